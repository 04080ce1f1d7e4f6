package klotho_unit

// Hands requests on for paths that belong to a router of another unit. API Gateway tells `/pets/` and `/Pets` from
// `/pets`, so such a request comes to the wrong unit.

import (
	"io"
	"log"
	"net/http"
	"strings"
)

// servedBy is the other unit that serves a path; empty for this one. Case counts for as little as a slash at the end does.
func servedBy(path string) string {
	parts := partsOf(strings.ToLower(path))
	for _, claim := range served {
		if !isBelow(parts, partsOf(strings.ToLower(claim[0]))) {
			continue
		}
		if claim[1] == Name {
			return ""
		}
		return claim[1]
	}
	return ""
}

// isBelow says whether a path is another one, which may have variables (`{id}`), or is below it.
func isBelow(parts, above []string) bool {
	if len(above) > len(parts) {
		return false
	}
	for at, part := range above {
		if part != parts[at] && !strings.Contains(part, "{") {
			return false
		}
	}
	return true
}

func partsOf(path string) []string {
	parts := []string{}
	for _, part := range strings.Split(path, "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts
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
