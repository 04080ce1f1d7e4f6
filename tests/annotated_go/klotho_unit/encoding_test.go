package klotho_unit

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/big"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

type kind int

type base struct{ Made time.Time }

type pet struct {
	base
	Name     string `json:"name"`
	Secret   string `json:"-"`
	Kind     kind
	Tags     []string          `json:"tags,omitempty"`
	Notes    map[string]string `json:"Name"`
	Parent   *pet              `json:"parent"`
	Photo    []byte
	ID       [4]byte
	Ages     map[int]float64
	Anything interface{}
	Why      error
	Website  *url.URL
	cached   int
}

// back is what arrives of a value, and the text it travels as.
func back(t *testing.T, pointer interface{}) (interface{}, string) {
	t.Helper()
	value := reflect.ValueOf(pointer).Elem()
	text, err := encode([]reflect.Value{value})
	if err != nil {
		t.Fatal(err)
	}
	into := reflect.New(value.Type()).Elem()
	if err := decode(text, []reflect.Value{into}); err != nil {
		t.Fatal(text, err)
	}
	return into.Interface(), text
}

func TestValuesArriveAsTheyWere(t *testing.T) {
	know(reflect.TypeOf(pet{}))
	there := time.FixedZone("", 2*60*60)
	full := pet{
		base: base{time.Date(2026, 11, 28, 9, 0, 0, 123456789, there)}, Name: "Rex \u2028<&>", Secret: "kept", Kind: 3,
		Tags: []string{}, Notes: map[string]string{"a": "1"}, Parent: &pet{Name: "Ada"}, Photo: []byte{0, 255},
		ID: [4]byte{1, 2, 3, 4}, Ages: map[int]float64{2: 0.1, -1: math.Inf(-1)},
		Anything: []interface{}{nil, true, "x", 1.5, 7, kind(2), &pet{Name: "in"}, time.Unix(0, 0).UTC(), []byte("b")},
		Website:  &url.URL{Scheme: "https", User: url.UserPassword("me", "p"), Host: "example.com", Path: "/a"},
	}
	whole, tiny, huge := int64(math.MinInt64), math.SmallestNonzeroFloat64, uint64(math.MaxUint64)
	single, zero, nothing := float32(0.1), math.Copysign(0, -1), (*pet)(nil)
	number, of := new(big.Int).Exp(big.NewInt(7), big.NewInt(90), nil), big.NewInt(-5)
	broken, odd := "\xff\x00", map[string]int{"$klotho": 1, "a": 2}
	keyed, list := map[[2]int]string{{1, 2}: "x"}, []*int{nil, new(int)}
	mixed := map[string]interface{}{"$klotho": "mine", "n": 1, "f": 1.0}
	var any interface{} = mixed
	for _, pointer := range []interface{}{
		&full, &whole, &tiny, &huge, &single, &number, of, &broken, &odd, &keyed, &list, &any, &nothing,
		&struct{ A, B interface{} }{A: map[string]string(nil), B: int8(1)},
	} {
		was := reflect.ValueOf(pointer).Elem().Interface()
		if found, text := back(t, pointer); fmt.Sprintf("%T %#v", found, found) == "" || !same(found, was) {
			t.Errorf("%#v became %#v by %s", was, found, text)
		}
	}
	if found, _ := back(t, &zero); !math.Signbit(found.(float64)) {
		t.Error("-0 became", found)
	}
	nan := math.NaN()
	if found, _ := back(t, &nan); !math.IsNaN(found.(float64)) {
		t.Error("NaN became", found)
	}
}

func same(one, other interface{}) bool {
	if fresh, is := one.(pet); is { // a zone without a name is another one each time it is read
		old := other.(pet)
		if !fresh.Made.Equal(old.Made) || fresh.Made.Format(time.RFC3339Nano) != old.Made.Format(time.RFC3339Nano) {
			return false
		}
		fresh.Made = old.Made
		one = fresh
	}
	return reflect.DeepEqual(one, other)
}

// The text is that of the other languages; the same values are read and written by them in test_go_shims.py.
func TestTheTextIsThatOfTheOtherLanguages(t *testing.T) {
	value := map[string]interface{}{
		"text": "Grüße <&>", "whole": 5.0, "half": 0.5, "nothing": nil, "yes": true, "list": []interface{}{"a", nil},
		"when": time.Date(2026, 11, 28, 9, 0, 0, 125000000, time.UTC), "bytes": []byte{1, 2, 255},
		"large": new(big.Int).Lsh(big.NewInt(1), 70), "none": math.NaN(), "inner": map[string]interface{}{"a": 1.0},
	}
	_, text := back(t, &value)
	expected, err := os.ReadFile("shared.json")
	if err != nil {
		t.Fatal(err)
	}
	if text != strings.TrimSpace(string(expected)) {
		t.Error(text)
	}
}

func TestWhatCantBeSentIsRefusedByItsType(t *testing.T) {
	loop := &pet{}
	loop.Parent = loop
	hidden, channel, function, pointing := pet{cached: 1}, make(chan int), func() {}, new([]string)
	complexity, hole, whole := complex(1, 1), time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), 5
	var unknown interface{} = struct{ A int }{1}
	for words, pointer := range map[string]interface{}{
		"a *klotho_unit.pet that holds itself can't be sent":                          &loop,
		"a klotho_unit.pet with something in its field `cached` can't be sent":        &hidden,
		"a chan int can't be sent":                                                    &channel,
		"a func() can't be sent":                                                      &function,
		"a *[]string that leads to nil can't be sent":                                 &pointing,
		"a complex128 can't be sent":                                                  &complexity,
		"a time in the year 12000 can't be sent":                                      &hole,
		"a struct { A int } in a interface {} can't be sent to another unit: nothing": &unknown,
	} {
		if _, err := encode(pointedTo([]interface{}{pointer})); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, and not: %s", err, words)
		}
	}
	small, text := int8(0), ""
	for received, into := range map[string]interface{}{
		"[300]": &small, "[1.5]": &whole, `["1"]`: &whole, "[1]": &text, "[]": &text, `[{"$klotho":"odd"}]`: &unknown,
		`[{"$klotho":"instance","value":{"class":"a.B"}}]`: &unknown, "[": &text, "[{}]": &hole,
	} {
		if err := decode(received, pointedTo([]interface{}{into})); err == nil {
			t.Error(received, "was taken as", reflect.ValueOf(into).Elem())
		}
	}
}

var errSoldOut = errors.New("sold out")

type notFound struct {
	Name string
	Err  error
}

func (failure *notFound) Error() string { return failure.Name + ": " + fmt.Sprint(failure.Err) }
func (failure *notFound) Unwrap() error { return failure.Err }

type code int

func (failure code) Error() string { return fmt.Sprint("code ", int(failure)) }

type hiding struct{ inner string }

func (failure hiding) Error() string { return failure.inner }

func TestErrorsAreFoundAgain(t *testing.T) {
	KnowError("example.com/pets.errSoldOut", errSoldOut)
	KnowErrorType((*notFound)(nil))
	KnowErrorType((*code)(nil))
	KnowErrorType((*hiding)(nil))
	_, noFile := os.Open("/no/such/file")
	failure := fmt.Errorf("adopting: %w", errors.Join(
		&notFound{"Rex", errSoldOut}, fmt.Errorf("then: %w", code(7)), hiding{"behind"}, noFile, errors.New("plain"),
	))
	found, _ := back(t, &failure)
	again := found.(error)
	found, _ = back(t, &again) // from a third unit
	received := found.(error)
	var missing *notFound
	var number code
	var path *fs.PathError
	if received.Error() != failure.Error() {
		t.Error(received)
	}
	if !errors.Is(received, errSoldOut) || !errors.Is(received, fs.ErrNotExist) || !errors.Is(received, code(7)) {
		t.Error("errors.Is does not find them in", received)
	}
	if !errors.As(received, &missing) || missing.Name != "Rex" || !errors.As(received, &number) || number != 7 {
		t.Error("errors.As does not find them in", received)
	}
	if !errors.As(received, &path) || path.Path != "/no/such/file" {
		t.Error(path)
	}
	cause := errors.Unwrap(received)
	if many, is := cause.(interface{ Unwrap() []error }); !is || len(many.Unwrap()) != 5 {
		t.Errorf("%#v", cause)
	} else if plain, is := many.Unwrap()[2].(*Received); !is || plain.Name != "hiding" || plain.Error() != "behind" {
		t.Errorf("%#v", many.Unwrap()[2])
	}
	var none error
	if found, text := back(t, &none); found != nil || text != "[null]" {
		t.Error(found, text)
	}
}
