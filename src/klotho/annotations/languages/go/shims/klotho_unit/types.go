package klotho_unit

// What a type is written as, and which types can be said by their name.

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// route is how values of a type are written; it is of the type alone, so that whoever reads knows it, too.
type route int

const (
	asItsKind route = iota
	asDate
	asBigInt
	asBinary
	asText
	asJSON
	asNothing
)

// What writes and reads a type by methods of its own.
type (
	binaryCodec interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	}
	textCodec interface {
		encoding.TextMarshaler
		encoding.TextUnmarshaler
	}
	jsonCodec interface {
		json.Marshaler
		json.Unmarshaler
	}
)

var (
	binaryType = reflect.TypeOf((*binaryCodec)(nil)).Elem()
	textType   = reflect.TypeOf((*textCodec)(nil)).Elem()
	jsonType   = reflect.TypeOf((*jsonCodec)(nil)).Elem()
)

// routeOf prefers the fields of a struct to what it makes of itself, which may be meant for others than its own
// program; where fields are hidden, there is no choice.
func routeOf(kind reflect.Type) route {
	switch kind {
	case timeType:
		return asDate
	case bigIntType:
		return asBigInt
	}
	switch kind.Kind() {
	case reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return asNothing
	case reflect.Struct:
	default:
		return asItsKind
	}
	pointer := reflect.PointerTo(kind)
	switch hides := len(fieldsOf(kind).hidden) > 0; {
	case pointer.Implements(binaryType):
		return asBinary
	case hides && pointer.Implements(textType):
		return asText
	case hides && pointer.Implements(jsonType):
		return asJSON
	}
	return asItsKind
}

// fields are those of a struct that are written.
type fields struct {
	// names are those of their JSON tags, of the fields themselves where there is none or another has it.
	names []string
	at    []int
	// hidden are those that only the struct's package can see.
	hidden []int
}

var knownFields sync.Map

func fieldsOf(kind reflect.Type) *fields {
	if known, is := knownFields.Load(kind); is {
		return known.(*fields)
	}
	found, taken := &fields{}, map[string]bool{"$klotho": true}
	for at := 0; at < kind.NumField(); at++ {
		taken[kind.Field(at).Name] = true
	}
	for at := 0; at < kind.NumField(); at++ {
		field := kind.Field(at)
		isSeen := field.PkgPath == "" || field.Anonymous && field.Type.Kind() == reflect.Struct && routeOf(field.Type) == asItsKind
		switch {
		case field.Name == "_":
		case !isSeen:
			found.hidden = append(found.hidden, at)
		default:
			name := strings.Split(field.Tag.Get("json"), ",")[0]
			if name == "" || name == "-" || taken[name] {
				name = field.Name
			}
			taken[name] = true
			found.names, found.at = append(found.names, name), append(found.at, at)
		}
	}
	knownFields.Store(kind, found)
	return found
}

// typeNames are the types that values in interfaces may have, by name.
var typeNames sync.Map

func init() {
	for _, value := range []interface{}{
		false, "", 0, int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0),
		float32(0), float64(0), []interface{}{}, map[string]interface{}{}, []string{}, []int{}, []float64{}, []byte{},
		map[string]string{}, map[string]int{}, []map[string]interface{}{},
	} {
		know(reflect.TypeOf(value))
	}
}

// know adds a type, and all that it is made of.
func know(kind reflect.Type) {
	if _, is := typeNames.LoadOrStore(typeName(kind), kind); is {
		return
	}
	switch kind.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		know(kind.Elem())
	case reflect.Map:
		know(kind.Key())
		know(kind.Elem())
	case reflect.Struct:
		for at := 0; at < kind.NumField(); at++ {
			know(kind.Field(at).Type)
		}
	}
	if kind.PkgPath() != "" && kind.Kind() != reflect.Interface {
		know(reflect.PointerTo(kind))
	}
}

// nameOf gives the name of a type that the other unit can know.
func nameOf(kind reflect.Type) (string, bool) {
	name := typeName(kind)
	known, _ := typeNames.Load(name)
	return name, known == kind
}

// typeName tells a type from all others, unlike its String.
func typeName(kind reflect.Type) string {
	if kind.Name() != "" {
		if kind.PkgPath() == "" {
			return kind.Name()
		}
		return kind.PkgPath() + "." + kind.Name()
	}
	switch kind.Kind() {
	case reflect.Pointer:
		return "*" + typeName(kind.Elem())
	case reflect.Slice:
		return "[]" + typeName(kind.Elem())
	case reflect.Array:
		return "[" + strconv.Itoa(kind.Len()) + "]" + typeName(kind.Elem())
	case reflect.Map:
		return "map[" + typeName(kind.Key()) + "]" + typeName(kind.Elem())
	}
	return kind.String()
}
