package main

import (
	"context"
	"embed"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/words/words"
)

//go:embed site
var site embed.FS

type server struct {
	mux  *http.ServeMux
	seen func(http.Handler) http.Handler
}

func newServer() *server {
	s := &server{mux: http.NewServeMux(), seen: logged}
	s.routes()
	return s
}

func (s *server) routes() {
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("words")) })
	s.mux.HandleFunc("GET /paths/{path...}", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.PathValue("path") + " of " + r.URL.EscapedPath()))
	})
	s.mux.Handle("GET /site/", http.FileServerFS(site))
	words.Register(s.mux)
	s.mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			w.Write([]byte("part "))
			w.(http.Flusher).Flush()
		}
	})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.seen(s.mux).ServeHTTP(w, r) }

func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		next.ServeHTTP(w, r)
	})
}

func main() {
	httpServer := &http.Server{
		Addr:              ":" + os.Getenv("PORT"),
		Handler:           newServer(),
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() {
		// @klotho::expose { id = "words-api" }
		if err := httpServer.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	if err := httpServer.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}
