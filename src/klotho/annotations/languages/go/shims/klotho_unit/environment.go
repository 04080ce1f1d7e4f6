package klotho_unit

// Puts secrets and values of databases where the unit's code looks for them, before any of its packages is initialised:
// into the environment of this process, so that no password is in a template or a configuration.
//
// A function fails what it is asked while a secret has no value, and looks again each time. A container that failed would be
// replaced until its deployment is given up, and the first deployment is what makes the secret: it starts without the
// variable, and ends when there is a value, so that the next one begins with it.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

const looksAgainAfter = 10 * time.Second

func init() {
	if !isDeployed() {
		return
	}
	missing, err := setVariables(context.Background(), variables)
	if errors.Is(err, errSecretNotSet) {
		err = failUntil(func() error {
			_, err := setVariables(context.Background(), variables)
			return err
		})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "the unit %s can't begin: %s\n", os.Getenv("KLOTHO_UNIT"), err)
		os.Exit(1)
	}
	if len(missing) > 0 {
		go endWhenSet(missing, time.Sleep, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM) })
	}
}

// setVariables puts values into the environment: of each variable the group, the name of the database, cache or secret,
// and what of it. It gives those that a container begins without.
func setVariables(ctx context.Context, wanted map[string][3]string) (missing [][3]string, err error) {
	ctx, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	for place, from := range connectionsOf(ctx, wanted) {
		for variable, wants := range wanted {
			if place != [2]string{wants[0], wants[1]} {
				continue
			}
			err := from.err
			switch {
			case err == nil:
				err = os.Setenv(variable, from.values[wants[2]])
			case errors.Is(err, errSecretNotSet) && !isOnLambda():
				fmt.Fprintf(os.Stderr, "%s is not set, and the program starts without it: %s\n", variable, err)
				missing, err = append(missing, wants), nil
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// connected is a connection, or why there is none.
type connected struct {
	values connection
	err    error
}

// connectionsOf asks for all of them at once, and for each once.
func connectionsOf(ctx context.Context, wanted map[string][3]string) map[[2]string]*connected {
	found, asked := map[[2]string]*connected{}, sync.WaitGroup{}
	for _, from := range wanted {
		place := [2]string{from[0], from[1]}
		if found[place] != nil {
			continue
		}
		one := &connected{}
		found[place] = one
		asked.Add(1)
		go func() {
			defer asked.Done()
			one.values, one.err = connectionOf(ctx, place[0], place[1])
		}()
	}
	asked.Wait()
	return found
}

// failUntil answers each event of Lambda with why the unit can't begin; with the event by which it can, it begins.
func failUntil(set func() error) error {
	lambda := ofLambda()
	for {
		response, err := lambda.next()
		if err != nil {
			return err
		}
		why := set()
		if why == nil {
			begun = response
			return nil
		}
		id := response.Header.Get("Lambda-Runtime-Aws-Request-Id")
		_ = response.Body.Close()
		fmt.Fprintln(os.Stderr, why)
		if err := lambda.fail(id, why); err != nil {
			return err
		}
	}
}

func endWhenSet(missing [][3]string, sleep func(time.Duration), end func()) {
	for at := 0; at < len(missing); {
		sleep(looksAgainAfter)
		for at < len(missing) {
			if _, err := connectionOf(context.Background(), missing[at][0], missing[at][1]); err != nil {
				break // not yet, or not to be asked now: the next time tells
			}
			at++
		}
	}
	fmt.Fprintln(os.Stderr, "the secrets have values now: ending, to begin again with them")
	end()
}
