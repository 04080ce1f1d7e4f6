package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"example.com/annotated-pets/adoptions"
	"example.com/annotated-pets/pets"
)

func main() {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Use(middleware.SetHeader("X-Shelter", "pets"))

	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Pets, looking for a home")
	})
	r.Route("/api", func(r chi.Router) {
		r.Mount("/pets", pets.Router())
		r.Get("/fees", fees)
	})
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "there is no "+r.URL.Path, http.StatusNotFound)
	})

	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	/* @klotho::expose {
	 *   id = "pets-api"
	 *   target = "public"
	 * }
	 */
	log.Fatal(http.ListenAndServe(":"+port, r))
}

// fees lists what an adoption costs, by kind.
func fees(w http.ResponseWriter, r *http.Request) {
	found, err := adoptions.Fees(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(found)
}
