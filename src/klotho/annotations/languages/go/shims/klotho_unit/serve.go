package klotho_unit

// What the unit's statement that listens does instead: on Lambda it answers events, elsewhere it listens, on $PORT
// whatever port the code names. Where Klotho deployed it, calls of other units are taken in front of its handler.

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drainsFor is how long a container that is asked to end waits for answers that are not finished; it is killed after 30 s.
const drainsFor = 25 * time.Second

// ListenAndServe is http.ListenAndServe. A container that is asked to end finishes what it began, and then it returns
// http.ErrServerClosed.
func ListenAndServe(address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler}
	if !isDeployed() || isOnLambda() {
		return Serve(server.Serve, server.Addr, &server.Handler)
	}
	drained := make(chan struct{})
	go func() {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		<-asked
		ctx, cancel := context.WithTimeout(context.Background(), drainsFor)
		defer cancel()
		_ = server.Shutdown(ctx)
		close(drained)
	}()
	err := Serve(server.Serve, server.Addr, &server.Handler)
	if err == http.ErrServerClosed {
		<-drained
	}
	return err
}

// Run is gin's Run: without an address it listens on $PORT, or 8080.
func Run(handler http.Handler, addresses ...string) error {
	address := ":8080"
	if len(addresses) > 0 {
		address = addresses[0]
	}
	return ListenAndServe(address, handler)
}

// Serve is the ListenAndServe of an http.Server, or of what has one within, of which it is given three fields: its own
// time limits, hooks and Shutdown stay its own.
func Serve(serve func(net.Listener) error, address string, handler *http.Handler) error {
	if isDeployed() {
		next := *handler
		if next == nil {
			next = http.DefaultServeMux
		}
		*handler = handingOn(next)
	}
	if isOnLambda() {
		within := newListener()
		go answerEvents(within)
		return serve(within)
	}
	if isDeployed() {
		*handler = takingCalls(*handler)
	}
	if port := os.Getenv("PORT"); port != "" {
		address = ":" + port
	} else if address == "" {
		address = ":http"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return serve(listener)
}

// ServeCalls takes calls of other units, and serves nothing else, until the process is ended.
func ServeCalls() { log.Fatal(ListenAndServe("", http.HandlerFunc(onlyCalls))) }

// onlyCalls is found at `/`, where a balancer asks whether the unit lives.
func onlyCalls(writer http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/" {
		writer.WriteHeader(http.StatusNotFound)
	}
}
