// Command shop takes orders, which a database keeps, and writes their receipts, which a bucket keeps.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"

	"example.com/shop/customers"
	"example.com/shop/orders"
	"example.com/shop/receipts"
	"example.com/shop/visits"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"
)

type shop struct {
	orders    *orders.Store
	customers *customers.Store
	photos    *blob.Bucket
}

func main() {
	kept, err := orders.Open(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	known, err := customers.Open(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "photos")
	if err != nil {
		log.Fatal(err)
	}
	// @klotho::persist { id = "photos" }
	photos, err := fileblob.OpenBucket(folder, nil)
	if err != nil {
		log.Fatal(err)
	}
	it := &shop{kept, known, photos}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", it.list)
	mux.HandleFunc("POST /orders", it.add)
	mux.HandleFunc("GET /orders/{id}", it.show)
	mux.HandleFunc("PUT /customers/{name}", it.greet)
	mux.HandleFunc("GET /visits/{name}", count)
	mux.HandleFunc("GET /orders/{id}/receipt", it.receipt)
	mux.HandleFunc("PUT /photos/{name...}", it.keep)
	mux.HandleFunc("GET /photos/{name...}", it.photo)
	mux.HandleFunc("DELETE /photos/{name...}", it.forget)
	mux.HandleFunc("GET /photos", it.photoNames)
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	// @klotho::expose { id = "shop-api" }
	log.Fatal(http.ListenAndServe(":"+port, mux))
}

func (it *shop) list(w http.ResponseWriter, r *http.Request) {
	found, err := it.orders.List(r.Context())
	answer(w, http.StatusOK, found, err)
}

func (it *shop) add(w http.ResponseWriter, r *http.Request) {
	var asked orders.Order
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	made, err := it.orders.Add(r.Context(), asked)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	written, err := receipts.Write(r.Context(), made.ID, made.Item+" x"+strconv.Itoa(made.Count))
	w.Header().Set("Location", "/orders/"+strconv.Itoa(made.ID))
	answer(w, http.StatusCreated, map[string]any{"order": made, "receipts": written}, err)
}

func (it *shop) show(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.Error(w, "no such order", http.StatusNotFound)
		return
	}
	found, err := it.orders.Get(r.Context(), id)
	answer(w, http.StatusOK, found, err)
}

func (it *shop) greet(w http.ResponseWriter, r *http.Request) {
	found, all, err := it.customers.Known(r.Context(), r.PathValue("name"))
	answer(w, http.StatusOK, map[string]any{"customer": found, "all": all}, err)
}

func count(w http.ResponseWriter, r *http.Request) {
	found, err := visits.Count(r.PathValue("name"))
	answer(w, http.StatusOK, map[string]int{"visits": found}, err)
}

func (it *shop) receipt(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	text, err := receipts.Read(r.Context(), id)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, text)
}

func (it *shop) keep(w http.ResponseWriter, r *http.Request) {
	options := &blob.WriterOptions{
		ContentType: r.Header.Get("Content-Type"), Metadata: map[string]string{"by": r.Header.Get("X-By")},
	}
	kept, err := it.photos.NewWriter(r.Context(), r.PathValue("name"), options)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	if _, err := io.Copy(kept, r.Body); err != nil {
		kept.Close()
		answer(w, 0, nil, err)
		return
	}
	answer(w, http.StatusCreated, nil, kept.Close())
}

func (it *shop) photo(w http.ResponseWriter, r *http.Request) {
	known, err := it.photos.Attributes(r.Context(), r.PathValue("name"))
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	from, _ := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	found, err := it.photos.NewRangeReader(r.Context(), r.PathValue("name"), from, -1, nil)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	defer found.Close()
	w.Header().Set("Content-Type", found.ContentType())
	w.Header().Set("Vary", known.Metadata["by"])
	io.Copy(w, found)
}

func (it *shop) forget(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, "gone", it.photos.Delete(r.Context(), r.PathValue("name")))
}

func (it *shop) photoNames(w http.ResponseWriter, r *http.Request) {
	options, names := &blob.ListOptions{Prefix: r.URL.Query().Get("below"), Delimiter: "/"}, []string{}
	listed := it.photos.List(options)
	for {
		item, err := listed.Next(r.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			answer(w, 0, nil, err)
			return
		}
		names = append(names, item.Key+" "+strconv.FormatInt(item.Size, 10))
	}
	answer(w, http.StatusOK, names, nil)
}

func answer(w http.ResponseWriter, status int, body any, err error) {
	switch {
	case err == nil:
	case errors.Is(err, orders.ErrUnknown), gcerrors.Code(err) == gcerrors.NotFound:
		http.Error(w, "there is none", http.StatusNotFound)
		return
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
