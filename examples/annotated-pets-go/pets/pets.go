/* @klotho::execution_unit {
 *   id = "pets"
 * }
 */

// Package pets serves the pets that look for a home.
package pets

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"example.com/annotated-pets/adoptions"
	"example.com/annotated-pets/catalogue"
)

func Router() http.Handler {
	r := chi.NewRouter()
	r.Get("/", list)
	r.Route("/{name}", func(r chi.Router) {
		r.Get("/", show)
		r.With(limited).Post("/adoption", adopt)
	})
	return r
}

func list(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, catalogue.OfKind(r.URL.Query().Get("kind")))
}

func show(w http.ResponseWriter, r *http.Request) {
	pet, found := catalogue.Find(chi.URLParam(r, "name"))
	if !found {
		answer(w, http.StatusNotFound, map[string]string{"error": "no such pet"})
		return
	}
	answer(w, http.StatusOK, pet)
}

func adopt(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Owner adoptions.Owner `json:"owner"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	pet, found := catalogue.Find(chi.URLParam(r, "name"))
	if !found {
		answer(w, http.StatusNotFound, map[string]string{"error": "no such pet"})
		return
	}
	adoption, err := adoptions.Adopt(r.Context(), pet, asked.Owner)
	switch {
	case errors.Is(err, adoptions.ErrTooYoung):
		answer(w, http.StatusConflict, map[string]string{"error": err.Error(), "why": "too young"})
	case err != nil:
		answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
	default:
		w.Header().Set("Location", "/api/pets/"+pet.Name)
		answer(w, http.StatusCreated, adoption)
	}
}

// limited refuses forms that are larger than any adoption needs.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 10_000)
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}
