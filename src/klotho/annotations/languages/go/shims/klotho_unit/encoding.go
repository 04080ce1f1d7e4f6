package klotho_unit

// Values as text: JSON, with what JSON lacks as {"$klotho": kind, "value": …}. decoding.go reads it, and
// docs/annotations.md has the format. Nothing is lost silently: what can't be said is refused.

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"sort"
	"strconv"
	"time"
	"unicode/utf8"
)

// exact is the largest whole number of which every smaller one is a number in JavaScript, too.
const exact = 1 << 53

var (
	timeType   = reflect.TypeOf(time.Time{})
	bigIntType = reflect.TypeOf(big.Int{})
	errorType  = reflect.TypeOf((*error)(nil)).Elem()
)

// encode writes values as a list.
func encode(values []reflect.Value) (string, error) {
	out := &packer{}
	if err := out.list(len(values), func(at int) error { return out.pack(values[at]) }); err != nil {
		return "", err
	}
	return out.String(), nil
}

// packer writes one text.
type packer struct {
	bytes.Buffer
	// above are the pointers, maps and slices that the value at hand is in.
	above []reference
}

type reference struct {
	kind reflect.Type
	at   uintptr
	size int
}

// pack writes a value as what its static type says; only values in interfaces bring their type along.
func (out *packer) pack(value reflect.Value) error {
	switch routeOf(value.Type()) {
	case asDate:
		return out.packDate(value.Interface().(time.Time))
	case asBigInt:
		number := value.Interface().(big.Int)
		return out.tagged("bigint", func() error { return out.text(number.String()) })
	case asBinary, asText, asJSON:
		return out.packMarshaled(value)
	case asNothing:
		return refused(value.Type(), "")
	}
	switch value.Kind() {
	case reflect.Bool:
		out.WriteString(strconv.FormatBool(value.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return out.packWhole(big.NewInt(value.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return out.packWhole(new(big.Int).SetUint64(value.Uint()))
	case reflect.Float32, reflect.Float64:
		return out.packFloat(value.Float(), value.Type().Bits())
	case reflect.String:
		return out.packString(value.String())
	case reflect.Interface:
		return out.packInterface(value)
	case reflect.Struct:
		return out.packStruct(value)
	case reflect.Array:
		return out.packItems(value)
	case reflect.Func, reflect.Chan, reflect.Pointer, reflect.Map, reflect.Slice:
		return out.packReference(value)
	}
	return nil
}

func (out *packer) packDate(moment time.Time) error {
	if year := moment.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("a time in the year %d can't be sent to another unit", year)
	}
	return out.tagged("date", func() error { return out.text(moment.Format(time.RFC3339Nano)) })
}

func (out *packer) packWhole(number *big.Int) error {
	if number.CmpAbs(big.NewInt(exact)) <= 0 {
		out.WriteString(number.String())
		return nil
	}
	return out.tagged("bigint", func() error { return out.text(number.String()) })
}

func (out *packer) packFloat(number float64, bits int) error {
	special := ""
	switch {
	case math.IsNaN(number):
		special = "NaN"
	case math.IsInf(number, 1):
		special = "Infinity"
	case math.IsInf(number, -1):
		special = "-Infinity"
	case number == 0 && math.Signbit(number):
		special = "-0"
	default:
		out.WriteString(strconv.FormatFloat(number, 'g', -1, bits))
		return nil
	}
	return out.tagged("number", func() error { return out.text(special) })
}

// packString writes a text; one that is no UTF-8 as its bytes.
func (out *packer) packString(text string) error {
	if utf8.ValidString(text) {
		return out.text(text)
	}
	return out.packBytes([]byte(text))
}

func (out *packer) packBytes(content []byte) error {
	return out.tagged("bytes", func() error { return out.text(base64.StdEncoding.EncodeToString(content)) })
}

// packReference writes what can be nil, and can hold itself.
func (out *packer) packReference(value reflect.Value) error {
	if value.IsNil() {
		out.WriteString("null")
		return nil
	}
	kind := value.Kind()
	if kind == reflect.Func || kind == reflect.Chan {
		return refused(value.Type(), "")
	}
	at := reference{kind: value.Type(), at: value.Pointer()}
	if kind == reflect.Slice {
		at.size = value.Len()
	}
	for _, other := range out.above {
		if other == at && (kind != reflect.Slice || at.size > 0) {
			return refused(value.Type(), "that holds itself ")
		}
	}
	out.above = append(out.above, at)
	defer func() { out.above = out.above[:len(out.above)-1] }()
	switch {
	case kind == reflect.Map:
		return out.packMap(value)
	case kind == reflect.Slice:
		return out.packItems(value)
	case canBeNil(value.Elem().Kind()) && value.Elem().IsNil():
		return refused(value.Type(), "that leads to nil ")
	}
	return out.pack(value.Elem())
}

func canBeNil(kind reflect.Kind) bool {
	switch kind {
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return true
	}
	return false
}

// packItems writes an array or slice.
func (out *packer) packItems(value reflect.Value) error {
	if value.Type().Elem().Kind() == reflect.Uint8 {
		content := make([]byte, value.Len())
		reflect.Copy(reflect.ValueOf(content), value)
		return out.packBytes(content)
	}
	return out.list(value.Len(), func(at int) error { return out.pack(value.Index(at)) })
}

// packMap writes an object where all keys are texts, else a list of entries; sorted, so that equal maps are equal text.
func (out *packer) packMap(value reflect.Value) error {
	type entry struct {
		key  reflect.Value
		text string
	}
	entries := []entry{}
	isObject := value.Type().Key().Kind() == reflect.String
	for _, key := range value.MapKeys() {
		inner := &packer{above: out.above}
		if err := inner.pack(key); err != nil {
			return err
		}
		entries = append(entries, entry{key, inner.String()})
		isObject = isObject && utf8.ValidString(key.String()) && key.String() != "$klotho"
	}
	sort.Slice(entries, func(one, other int) bool { return entries[one].text < entries[other].text })
	if isObject {
		return out.object(len(entries), func(at int) string { return entries[at].key.String() }, func(at int) error {
			return out.pack(value.MapIndex(entries[at].key))
		})
	}
	return out.tagged("map", func() error {
		return out.list(len(entries), func(at int) error {
			out.WriteString("[" + entries[at].text + ",")
			err := out.pack(value.MapIndex(entries[at].key))
			out.WriteByte(']')
			return err
		})
	})
}

func (out *packer) packStruct(value reflect.Value) error {
	fields := fieldsOf(value.Type())
	for _, hidden := range fields.hidden {
		if !value.Field(hidden).IsZero() {
			return refused(value.Type(), fmt.Sprintf("with something in its field `%s` ", value.Type().Field(hidden).Name))
		}
	}
	return out.object(len(fields.names), func(at int) string { return fields.names[at] }, func(at int) error {
		return out.pack(value.Field(fields.at[at]))
	})
}

// packMarshaled writes what a type makes of itself.
func (out *packer) packMarshaled(value reflect.Value) error {
	copied := reflect.New(value.Type()) // methods of pointers need an address
	copied.Elem().Set(value)
	switch own := copied.Interface(); routeOf(value.Type()) {
	case asBinary:
		content, err := own.(binaryCodec).MarshalBinary()
		if err != nil {
			return err
		}
		return out.packBytes(content)
	case asText:
		content, err := own.(textCodec).MarshalText()
		if err != nil {
			return err
		}
		return out.packString(string(content))
	default:
		content, err := own.(jsonCodec).MarshalJSON()
		if err != nil {
			return err
		}
		return out.packString(string(content))
	}
}

// packInterface writes an error as one, what JSON and the kinds above say by themselves plainly, everything else with
// its type.
func (out *packer) packInterface(value reflect.Value) error {
	if value.IsNil() {
		out.WriteString("null")
		return nil
	}
	inner := value.Elem()
	if failure, is := inner.Interface().(error); is {
		return out.packError(failure)
	}
	if value.Type().NumMethod() == 0 && isPlain(inner) {
		return out.pack(inner)
	}
	name, known := nameOf(inner.Type())
	if !known {
		return fmt.Errorf("a %s in a %s can't be sent to another unit: nothing there says that type", inner.Type(), value.Type())
	}
	return out.tagged("instance", func() error {
		out.WriteString(`{"class":`)
		if err := out.text(name); err != nil {
			return err
		}
		out.WriteString(`,"value":`)
		err := out.pack(inner)
		out.WriteByte('}')
		return err
	})
}

// isPlain says whether what is read into an interface without a type is what was there.
func isPlain(value reflect.Value) bool {
	switch held := value.Interface().(type) {
	case bool, float64, time.Time:
		return true
	case string:
		return utf8.ValidString(held)
	case []byte:
		return held != nil
	case *big.Int:
		return held != nil
	case []interface{}:
		return held != nil
	case map[string]interface{}:
		_, taken := held["$klotho"]
		return held != nil && !taken
	}
	return false
}

func refused(kind reflect.Type, why string) error {
	return fmt.Errorf("a %s %scan't be sent to another unit", kind, why)
}

func (out *packer) tagged(kind string, value func() error) error {
	out.WriteString(`{"$klotho":"` + kind + `","value":`)
	err := value()
	out.WriteByte('}')
	return err
}

func (out *packer) list(size int, item func(int) error) error {
	out.WriteByte('[')
	for at := 0; at < size; at++ {
		if at > 0 {
			out.WriteByte(',')
		}
		if err := item(at); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	return nil
}

func (out *packer) object(size int, name func(int) string, value func(int) error) error {
	out.WriteByte('{')
	for at := 0; at < size; at++ {
		if at > 0 {
			out.WriteByte(',')
		}
		if err := out.text(name(at)); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := value(at); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// text writes a text as JSON has it.
func (out *packer) text(text string) error {
	writer := json.NewEncoder(&out.Buffer)
	writer.SetEscapeHTML(false)
	if err := writer.Encode(text); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // its line break
	return nil
}
