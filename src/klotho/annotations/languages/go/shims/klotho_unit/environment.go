package klotho_unit

// Puts secrets and values of databases where the unit's code looks for them, before any of its packages is initialised:
// into the environment of this process, so that no password is in a template or a configuration.

import (
	"context"
	"fmt"
	"os"
	"time"
)

// given is where a variable's value is: the group, the name of the database, cache or secret, and what of it.
type given struct{ group, name, value string }

func init() {
	if !isDeployed() {
		return
	}
	ctx, done := context.WithTimeout(context.Background(), 30*time.Second)
	defer done()
	if err := setVariables(ctx, variables); err != nil {
		fmt.Fprintf(os.Stderr, "the unit %s can't begin: %s\n", os.Getenv("KLOTHO_UNIT"), err)
		os.Exit(1)
	}
}

func setVariables(ctx context.Context, wanted map[string]given) error {
	found := map[given]connection{}
	for variable, from := range wanted {
		whole := given{group: from.group, name: from.name}
		if found[whole] == nil {
			values, err := connectionOf(ctx, from.group, from.name)
			if err != nil {
				return err
			}
			found[whole] = values
		}
		if err := os.Setenv(variable, found[whole][from.value]); err != nil {
			return err
		}
	}
	return nil
}
