// @klotho::execution_unit { id = "visits" }
package visits

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"
)

const Open = "9:00"

var ErrUnknown = errors.New("no such pet")

// Full says when there is room.
type Full struct{ Free time.Time }

func (full *Full) Error() string { return "no room" }

type Wish struct {
	At    string
	Token string `json:"-"`
}

type Visit struct {
	Pet   string        `json:"pet"`
	At    *time.Time    `json:"at"`
	Lasts time.Duration `json:"lasts"`
	Notes []string      `json:"notes"`
	By    any           `json:"by"`
}

func Book(_ context.Context, pet string, wish Wish) (*Visit, error) {
	switch {
	case pet == "nobody":
		return nil, fmt.Errorf("booking for %s: %w", pet, ErrUnknown)
	case wish.Token == "":
		return nil, errors.New("who asks?")
	}
	at, err := time.Parse(time.RFC3339Nano, wish.At)
	if err != nil {
		return &Visit{Pet: pet}, nil
	}
	if at.Hour() < 9 {
		return nil, errors.Join(errors.New("too early"), &Full{at.Add(3 * time.Hour)})
	}
	return &Visit{pet, &at, 20 * time.Minute, []string{}, map[string]any{"vet": "Ada", "room": 3}}, nil
}

func Numbers(_ context.Context, given ...int64) (sum int64, large *big.Int, byID map[int]string, _ []byte, _ error) {
	for _, number := range given {
		sum += number
	}
	return sum, new(big.Int).Lsh(big.NewInt(sum), 70), map[int]string{-1: "one", 2: "two"}, []byte{0, 255}, nil
}

func Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func Panic(context.Context) error { panic("no vet") }
