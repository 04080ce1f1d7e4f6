/* @klotho::execution_unit {
 *   id = "adoptions"
 * }
 */

// Package adoptions decides who gets which pet, and what for.
package adoptions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/annotated-pets/catalogue"
)

// ErrTooYoung is given where nobody answers for an owner.
var ErrTooYoung = errors.New("owners are 18 or older")

type Owner struct {
	Name string    `json:"name"`
	Born time.Time `json:"born"`
}

type Adoption struct {
	Pet     catalogue.Pet `json:"pet"`
	Owner   string        `json:"owner"`
	Fee     int           `json:"fee"`
	Welcome []string      `json:"welcome,omitempty"`
	Visit   time.Time     `json:"visit"`
}

var fees = map[string]int{"cat": 60, "dog": 90, "parrot": 40}

// Adopt gives the owner the pet. What they get with it depends on its kind.
func Adopt(ctx context.Context, pet catalogue.Pet, owner Owner) (*Adoption, error) {
	if owner.Name == "" {
		return nil, fmt.Errorf("who adopts %s?", pet.Name)
	}
	adult := owner.Born.AddDate(18, 0, 0)
	if adult.After(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)) {
		return nil, fmt.Errorf("%s can't adopt %s: %w", owner.Name, pet.Name, ErrTooYoung)
	}
	adoption := &Adoption{Pet: pet, Owner: owner.Name, Fee: fees[pet.Kind], Visit: adult.AddDate(30, 0, 0)}
	if pet.Kind == "dog" {
		adoption.Welcome = []string{"a lead", "a bowl"}
	}
	return adoption, ctx.Err()
}

// Fees are in euros, by kind.
func Fees(_ context.Context) (map[string]int, error) {
	return fees, nil
}
