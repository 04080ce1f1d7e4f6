package klotho_unit

// Errors between units. One of a variable (`var ErrNotFound = errors.New(…)`) arrives as that variable, one of a type of
// the program as that type, so that errors.Is and errors.As find them; what they wrap arrives with them. Others arrive
// as errors that say the same.

import (
	"context"
	"io"
	"io/fs"
	"reflect"
	"strconv"
	"sync"
	"syscall"
)

var (
	// errorVariables are the errors that are told by what they are, by name.
	errorVariables sync.Map
	// errorTypes are the types of errors, by name.
	errorTypes sync.Map
)

func init() {
	for name, failure := range map[string]error{
		"context.Canceled": context.Canceled, "context.DeadlineExceeded": context.DeadlineExceeded, "io.EOF": io.EOF,
		"io.ErrUnexpectedEOF": io.ErrUnexpectedEOF, "io/fs.ErrExist": fs.ErrExist, "io/fs.ErrNotExist": fs.ErrNotExist,
		"io/fs.ErrPermission": fs.ErrPermission, "io/fs.ErrInvalid": fs.ErrInvalid,
	} {
		KnowError(name, failure)
	}
	KnowErrorType((*fs.PathError)(nil))
	KnowErrorType((*strconv.NumError)(nil))
	KnowErrorType((*syscall.Errno)(nil))
}

// KnowError lets other units find an error again that a variable holds.
func KnowError(name string, value interface{}) {
	if failure, is := value.(error); is {
		errorVariables.Store(name, failure)
	}
}

// KnowErrorType lets other units find errors of a type again; it is given as a nil pointer to it.
func KnowErrorType(pointer interface{}) {
	kind := reflect.TypeOf(pointer)
	for _, found := range []reflect.Type{kind, kind.Elem()} {
		if found.Implements(errorType) {
			errorTypes.Store(typeName(found), found)
		}
	}
}

// Received is an error of another unit of which neither variable nor type is known here.
type Received struct {
	// Name of its type there.
	Name    string
	message string
	cause   error
}

func (failure *Received) Error() string { return failure.message }
func (failure *Received) Unwrap() error { return failure.cause }

// receivedMany wraps several, as errors.Join does.
type receivedMany struct {
	Received
	causes []error
}

func (failure *receivedMany) Unwrap() []error { return failure.causes }

// packError writes an error. Its `class` and `fields` are left out where they can't be said.
func (out *packer) packError(failure error) error {
	return out.tagged("error", func() error {
		out.WriteString(`{"name":`)
		_ = out.text(nameOfError(failure))
		out.WriteString(`,"message":`)
		_ = out.text(failure.Error())
		out.WriteString(`,"stack":"","own":[]`)
		if variable := variableOf(failure); variable != "" {
			out.WriteString(`,"variable":`)
			_ = out.text(variable)
		} else if !out.packOwnError(failure) {
			out.packCauses(failure)
		}
		out.WriteByte('}')
		return nil
	})
}

// packOwnError writes the fields of an error of a known type, and tells whether it could.
func (out *packer) packOwnError(failure error) bool {
	value := reflect.ValueOf(failure)
	name := typeName(value.Type())
	if known, _ := errorTypes.Load(name); known != value.Type() || value.Kind() == reflect.Pointer && value.IsNil() {
		return false
	}
	inner := &packer{above: out.above}
	if inner.pack(value) != nil {
		return false
	}
	out.WriteString(`,"class":`)
	_ = out.text(name)
	out.WriteString(`,"fields":` + inner.String())
	return true
}

func (out *packer) packCauses(failure error) {
	causes := []error{}
	switch wraps := failure.(type) {
	case interface{ Unwrap() error }:
		if cause := wraps.Unwrap(); cause != nil {
			out.WriteString(`,"cause":`)
			_ = out.packError(cause)
		}
		return
	case interface{ Unwrap() []error }:
		causes = wraps.Unwrap()
	}
	if len(causes) > 0 {
		out.WriteString(`,"causes":`)
		_ = out.list(len(causes), func(at int) error { return out.packError(causes[at]) })
	}
}

// variableOf is the name of the variable that holds an error; empty where none is known.
func variableOf(failure error) string {
	found := ""
	if reflect.TypeOf(failure).Comparable() {
		errorVariables.Range(func(name, value interface{}) bool {
			if isSame(failure, value.(error)) {
				found = name.(string)
			}
			return found == ""
		})
	}
	return found
}

func isSame(one, other error) (same bool) {
	defer func() { _ = recover() }() // a struct may hold something that can't be compared
	return one == other
}

func nameOfError(failure error) string {
	switch known := failure.(type) {
	case *Received:
		return known.Name
	case *receivedMany:
		return known.Name
	}
	kind := reflect.TypeOf(failure)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.Name()
}

func unpackError(said interface{}) (error, error) {
	content, _ := said.(map[string]interface{})
	variable, _ := content["variable"].(string)
	if known, is := errorVariables.Load(variable); is {
		return known.(error), nil
	}
	class, _ := content["class"].(string)
	if kind, is := errorTypes.Load(class); is {
		into := reflect.New(kind.(reflect.Type)).Elem()
		if err := unpack(content["fields"], into); err != nil {
			return nil, err
		}
		return into.Interface().(error), nil
	}
	name, _ := content["name"].(string)
	message, _ := content["message"].(string)
	return unpackCauses(Received{Name: name, message: message}, content)
}

func unpackCauses(failure Received, content map[string]interface{}) (error, error) {
	if raw, wraps := content["cause"]; wraps {
		_, inner := tag(raw)
		cause, err := unpackError(inner)
		failure.cause = cause
		return &failure, err
	}
	items, wraps := content["causes"].([]interface{})
	if !wraps {
		return &failure, nil
	}
	found := &receivedMany{Received: failure}
	for _, raw := range items {
		_, inner := tag(raw)
		cause, err := unpackError(inner)
		if err != nil {
			return nil, err
		}
		found.causes = append(found.causes, cause)
	}
	return found, nil
}
