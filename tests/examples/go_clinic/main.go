package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"example.com/clinic/pets"
	"example.com/clinic/visits"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /visits/{pet}", book)
	mux.HandleFunc("GET /numbers", numbers)
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("GET /panics", panics)
	mux.HandleFunc("GET /fees/{kind}", func(w http.ResponseWriter, r *http.Request) {
		fee, err := feeOf(r.Context(), r.PathValue("kind"))
		answer(w, map[string]any{"fee": fee, "open": visits.Open, "told": fmt.Sprint(err)})
	})
	mux.HandleFunc("GET /pets/{name}", pets.New("the clinic").Show)
	mux.HandleFunc("GET /pets/{name}/toys", toys)
	// @klotho::expose { id = "clinic-api" }
	http.ListenAndServe(":"+os.Getenv("PORT"), mux)
}

func book(w http.ResponseWriter, r *http.Request) {
	visit, err := visits.Book(r.Context(), r.PathValue("pet"), visits.Wish{At: r.FormValue("at"), Token: "of the clinic"})
	var full *visits.Full
	switch {
	case errors.As(err, &full):
		http.Error(w, fmt.Sprintf("%s, but at %s", err, full.Free.Format(time.Kitchen)), http.StatusConflict)
	case errors.Is(err, visits.ErrUnknown):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		answer(w, visit)
	}
}

func numbers(w http.ResponseWriter, r *http.Request) {
	sum, large, byID, content, err := visits.Numbers(r.Context(), 1<<62, 1, 2)
	answer(w, []any{sum, large, byID, content, err})
}

func slow(w http.ResponseWriter, r *http.Request) {
	ctx, done := context.WithTimeout(r.Context(), 300*time.Millisecond)
	defer done()
	if err := visits.Wait(ctx); errors.Is(err, context.DeadlineExceeded) {
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
	}
}

func panics(w http.ResponseWriter, r *http.Request) {
	defer func() { http.Error(w, fmt.Sprint(recover()), http.StatusInternalServerError) }()
	_ = visits.Panic(r.Context())
}

func toys(w http.ResponseWriter, r *http.Request) {
	answer(w, []string{"ball of " + r.PathValue("name")})
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}
