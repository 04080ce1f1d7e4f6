/* @klotho::execution_unit {
 *   id = "pets"
 *   keep_warm = true
 * }
 */

// Package pets answers for single pets.
package pets

import (
	"fmt"
	"net/http"
)

type Handler struct{ of string }

func New(of string) *Handler { return &Handler{of} }

func (h *Handler) Show(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s, known to %s\n", r.PathValue("name"), h.of)
}
