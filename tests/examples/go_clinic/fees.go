// @klotho::execution_unit { id = "fees" }
package main

import (
	"context"

	"example.com/clinic/visits"
)

// feeOf is what a visit costs, in euros.
func feeOf(ctx context.Context, kind string) (fee float64, _ error) {
	_, err := visits.Book(ctx, kind, visits.Wish{})
	return map[string]float64{"dog": 40.5, "cat": 30}[kind], err
}
