package klotho_unit

// Hands requests on for paths that belong to a router of another unit. API Gateway tells `/pets/` and `/Pets` from
// `/pets`, so such a request comes to the wrong unit.

import (
	"io"
	"log"
	"net/http"
	"strings"
)

// claimed is a path that belongs, with all below it, to a unit. Parts are in lower case; empty ones are variables.
type claimed struct {
	parts []string
	unit  string
}

// servedBy is the other unit that serves a path; empty for this one.
func servedBy(path string) string {
	parts := []string{}
	for _, part := range strings.Split(strings.ToLower(path), "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	for _, claim := range served {
		if !claim.fits(parts) {
			continue
		}
		if claim.unit == unitName {
			return ""
		}
		return claim.unit
	}
	return ""
}

func (claim claimed) fits(parts []string) bool {
	if len(claim.parts) > len(parts) {
		return false
	}
	for at, part := range claim.parts {
		if part != "" && part != parts[at] {
			return false
		}
	}
	return true
}

// handingOn gives what belongs to other units to them, and the rest to the unit's own handler.
func handingOn(next http.Handler) http.Handler {
	if len(served) == 0 {
		return next
	}
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if other := servedBy(request.URL.Path); other != "" {
			handOn(writer, request, other)
		} else {
			next.ServeHTTP(writer, request)
		}
	})
}

func handOn(writer http.ResponseWriter, request *http.Request, other string) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	header := request.Header.Clone()
	header.Set("Host", request.Host)
	if header.Get("X-Forwarded-Port") == "" { // as coming from outside: calls of functions are taken from inside only
		header.Set("X-Forwarded-Port", "443")
	}
	answer, err := service(other).request(request.Context(), request.Method, request.URL.RequestURI(), header, body)
	if err != nil {
		log.Printf("a request for the unit %s could not be handed on: %s", other, err)
		writer.WriteHeader(http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		if !ofTheWay[name] {
			writer.Header()[name] = values
		}
	}
	writer.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(writer, answer.Body)
}
