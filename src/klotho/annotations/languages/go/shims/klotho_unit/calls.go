package klotho_unit

// Calls between units. A function of another unit begins with a line that calls it there; the unit that owns it offers
// it, and answers. Arguments and results are copies. What is no longer wanted (the context is done) is given up here,
// and the other unit's context has the same deadline.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime/debug"
	"sync"
	"time"
)

// callPath is where a container takes calls.
const callPath = "/_klotho/call"

// asked is what a call says. Arguments are the text of encoding.go; the timeout is in milliseconds.
type asked struct {
	Klotho    string `json:"klotho"`
	File      string `json:"file"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
	Timeout   *int64 `json:"timeout,omitempty"`
}

// answered is what comes back. The result is what the function returned beside its error: nothing, that value, or a list
// of them. It comes with the error, too, for who asks for both.
type answered struct {
	Result   string `json:"result,omitempty"`
	Error    string `json:"error,omitempty"`
	Panicked string `json:"panicked,omitempty"`
}

// offered are this unit's functions that others may call, by file and name.
var offered sync.Map

// Offer lets other units call a function: one that takes a context first and gives an error last.
func Offer(file, name string, function interface{}) {
	value := reflect.ValueOf(function)
	for at := 1; at < value.Type().NumIn(); at++ {
		know(value.Type().In(at))
	}
	for at := 0; at < value.Type().NumOut()-1; at++ {
		know(value.Type().Out(at))
	}
	offered.Store(file+"\x00"+name, value)
}

// Elsewhere says whether functions of other units are called there: where Klotho deployed this unit. Elsewhere, as with
// `go run`, they run in this process.
func Elsewhere() bool { return isDeployed() }

// Call calls a function of another unit. Arguments and results are pointers to them.
func Call(ctx context.Context, unit, file, name string, arguments, results []interface{}) error {
	text, err := encode(pointedTo(arguments))
	if err != nil {
		return fmt.Errorf("%s of the unit %s can't be called: %w", name, unit, err)
	}
	question := asked{Klotho: "call", File: file, Name: name, Arguments: text}
	if deadline, has := ctx.Deadline(); has {
		left := time.Until(deadline).Milliseconds()
		question.Timeout = &left
	}
	content, err := json.Marshal(question)
	if err != nil {
		return err
	}
	said, err := service(unit).call(ctx, content)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s of the unit %s can't be called: %w", name, unit, err)
	}
	return taken(said, unit, name, pointedTo(results))
}

// taken puts what came back into the results.
func taken(content []byte, unit, name string, results []reflect.Value) error {
	var said answered
	if err := json.Unmarshal(content, &said); err != nil || said == (answered{}) {
		return fmt.Errorf("the unit %s answered a call of %s with %.200q", unit, name, content)
	}
	if said.Panicked != "" {
		panic(said.Panicked)
	}
	if said.Result != "" {
		if err := decodeResults(said.Result, results); err != nil {
			return fmt.Errorf("the answer of %s of the unit %s can't be read: %w", name, unit, err)
		}
	}
	if said.Error == "" {
		return nil
	}
	var failure error
	if err := decode("["+said.Error+"]", pointedTo([]interface{}{&failure})); err != nil {
		return fmt.Errorf("%s of the unit %s failed, and its error can't be read: %w", name, unit, err)
	}
	return failure
}

func pointedTo(pointers []interface{}) []reflect.Value {
	values := make([]reflect.Value, len(pointers))
	for at, pointer := range pointers {
		values[at] = reflect.ValueOf(pointer).Elem()
		know(values[at].Type())
	}
	return values
}

// answer runs what a call asks for.
func answer(ctx context.Context, content []byte) ([]byte, error) {
	var question asked
	if err := json.Unmarshal(content, &question); err != nil {
		return nil, err
	}
	function, known := offered.Load(question.File + "\x00" + question.Name)
	if !known {
		return nil, fmt.Errorf("unit %s has no function %s in %s that others may call", Name, question.Name, question.File)
	}
	if question.Timeout != nil {
		limited, cancel := context.WithTimeout(ctx, time.Duration(*question.Timeout)*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	found, err := run(ctx, function.(reflect.Value), question.Arguments)
	if err != nil {
		return nil, err
	}
	return json.Marshal(found)
}

// run gives what a function answers. It panics where it is called, not here.
func run(ctx context.Context, function reflect.Value, text string) (found answered, err error) {
	kind := function.Type()
	arguments := make([]reflect.Value, kind.NumIn())
	for at := range arguments {
		arguments[at] = reflect.New(kind.In(at)).Elem()
	}
	if err := decode(text, arguments[1:]); err != nil {
		return answered{}, err
	}
	arguments[0] = reflect.ValueOf(ctx)
	defer func() {
		if thrown := recover(); thrown != nil {
			debug.PrintStack()
			found, err = answered{Panicked: fmt.Sprint(thrown)}, nil
		}
	}()
	call := function.Call
	if kind.IsVariadic() {
		call = function.CallSlice
	}
	results := call(arguments)
	last := len(results) - 1
	if found.Result, err = encodeResults(results[:last]); err != nil {
		return answered{}, err
	}
	if !results[last].IsNil() {
		found.Error, err = encodeOne(results[last])
	}
	return found, err
}

func encodeResults(results []reflect.Value) (string, error) {
	switch len(results) {
	case 0:
		return "null", nil
	case 1:
		return encodeOne(results[0])
	}
	return encode(results)
}

func decodeResults(text string, results []reflect.Value) error {
	switch len(results) {
	case 0:
		return nil
	case 1:
		text = "[" + text + "]"
	}
	return decode(text, results)
}

func encodeOne(value reflect.Value) (string, error) {
	out := &packer{}
	err := out.pack(value)
	return out.String(), err
}

// takingCalls answers calls of other units before a container's own handler sees them.
func takingCalls(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if request.URL.Path == callPath && isInside(request) {
			replyTo(writer, request)
		} else {
			next.ServeHTTP(writer, request)
		}
	})
}

// isInside says whether a request is of another unit: an API overwrites the one header in every request, a load balancer
// adds the other, so nobody from outside is without both.
func isInside(request *http.Request) bool {
	header := request.Header
	return request.Method == http.MethodPost && len(header["X-Klotho-Caller"]) == 0 && len(header["X-Forwarded-Port"]) == 0
}

func replyTo(writer http.ResponseWriter, request *http.Request) {
	content, err := io.ReadAll(request.Body)
	if err == nil {
		content, err = answer(request.Context(), content)
	}
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	_, _ = writer.Write(content)
}
