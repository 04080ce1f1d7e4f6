package klotho_unit

// The unit's own server, reached within the process: it answers as it would over a network, without a port that anybody
// else could have.

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// listener gives a server connections of this process.
type listener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newListener() *listener {
	return &listener{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (within *listener) Accept() (net.Conn, error) {
	select {
	case found := <-within.connections:
		return found, nil
	case <-within.closed:
		return nil, net.ErrClosed
	}
}

func (within *listener) Close() error {
	within.once.Do(func() { close(within.closed) })
	return nil
}

func (within *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// sender is a connection whose other side is who sent the request.
type sender struct {
	net.Conn
	from net.Addr
}

func (side sender) RemoteAddr() net.Addr { return side.from }
func (side sender) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// send sends a request over a connection of its own; `from` is the address that the server sees. The answer's body is in
// memory.
func (within *listener) send(request *http.Request, from string) (*http.Response, error) {
	address := net.ParseIP(from)
	if address == nil {
		address = net.IPv4(127, 0, 0, 1)
	}
	near, far := net.Pipe()
	defer near.Close()
	select {
	case within.connections <- sender{far, &net.TCPAddr{IP: address}}:
	case <-within.closed:
		return nil, http.ErrServerClosed
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
	go request.Write(near) // the server may answer before it has read all
	response, err := answerOn(bufio.NewReader(near), request)
	if err != nil {
		return nil, fmt.Errorf("%s %s got no answer: %w", request.Method, request.URL.Path, err)
	}
	return response, nil
}

func answerOn(reader *bufio.Reader, request *http.Request) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(reader, request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue // `100 Continue`, `103 Early Hints`
		}
		content, err := io.ReadAll(response.Body)
		response.Body = io.NopCloser(bytes.NewReader(content))
		return response, err
	}
}

func unescaped(path string) string {
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}
