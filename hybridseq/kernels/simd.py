"""Explicit vectors for compiled kernels: values of ``LANES`` bytes that stay in registers.

The compiler's own vectoriser is at its worst on short rows: a remainder loop over 9 labels costs more than the
arithmetic. Here a kernel says what is a vector. A vector has 64 bytes where the machine has AVX-512 and 32 elsewhere;
LLVM splits it on narrower machines, so that the code runs anywhere.

Arrays are C-contiguous and addressed by flat element index.
"""

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

BYTES = 64 if llvm.get_host_cpu_features().get("avx512f", False) else 32
_FLAGS = ("contract", "reassoc", "nsz", "arcp")


class Vector(types.Type):
    """A register of numbers of one type."""

    def __init__(self, element):
        self.element = element
        self.lanes = BYTES * 8 // element.bitwidth
        super().__init__(name=f"Vector({element}, {self.lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        element = ir.FloatType() if vector.element.bitwidth == 32 else ir.DoubleType()
        super().__init__(manager, vector, ir.VectorType(element, vector.lanes))


def lanes(array):
    """Numbers in a vector of the array's type."""


@overload(lanes)
def _lanes(array):
    count = BYTES * 8 // array.dtype.bitwidth
    return lambda array: count


def number(array, value):
    """``value`` in the array's type."""


@overload(number)
def _number(array, value):
    kind = np.float32 if array.dtype.bitwidth == 32 else np.float64
    return lambda array, value: kind(value)


def _address(context, builder, array_type, array, index):
    struct = context.make_array(array_type)(context, builder, array)
    vector = context.get_value_type(Vector(array_type.dtype))
    return builder.bitcast(builder.gep(struct.data, [index]), vector.as_pointer())


@intrinsic
def load(typing, array, index):
    """The vector at ``index``."""

    def codegen(context, builder, signature, arguments):
        pointer = _address(context, builder, signature.args[0], *arguments)
        value = builder.load(pointer)
        value.align = signature.args[0].dtype.bitwidth // 8
        return value

    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def store(typing, array, index, value):
    """Write a vector at ``index``."""

    def codegen(context, builder, signature, arguments):
        pointer = _address(context, builder, signature.args[0], *arguments[:2])
        instruction = builder.store(arguments[2], pointer)
        instruction.align = signature.args[0].dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def _splat(builder, vector, scalar):
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask)


def _mask(builder, vector, count):
    """Lanes below ``count``."""
    index = ir.VectorType(ir.IntType(64), vector.count)
    lane = ir.Constant(index, list(range(vector.count)))
    return builder.icmp_signed("<", lane, _splat(builder, index, count))


def _suffix(vector):
    return f"v{vector.count}f{32 if isinstance(vector.element, ir.FloatType) else 64}"


@intrinsic
def load_some(typing, array, index, count, fill):
    """The first ``count`` numbers at ``index``; ``fill`` in the lanes beyond (which are not read)."""

    def codegen(context, builder, signature, arguments):
        base, at, number, other = arguments
        pointer = _address(context, builder, signature.args[0], base, at)
        vector = context.get_value_type(signature.return_type)
        mask = _mask(builder, vector, number)
        kind = ir.FunctionType(vector, [vector.as_pointer(), ir.IntType(32), mask.type, vector])
        name = f"llvm.masked.load.{_suffix(vector)}.p0"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        align = ir.Constant(ir.IntType(32), signature.args[0].dtype.bitwidth // 8)
        return builder.call(function, [pointer, align, mask, _splat(builder, vector, other)])

    return Vector(array.dtype)(array, types.intp, types.intp, array.dtype), codegen


@intrinsic
def store_some(typing, array, index, count, value):
    """Write the first ``count`` numbers of a vector at ``index``."""

    def codegen(context, builder, signature, arguments):
        base, at, number, vector_value = arguments
        pointer = _address(context, builder, signature.args[0], base, at)
        vector = vector_value.type
        mask = _mask(builder, vector, number)
        kind = ir.FunctionType(ir.VoidType(), [vector, vector.as_pointer(), ir.IntType(32), mask.type])
        name = f"llvm.masked.store.{_suffix(vector)}.p0"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        align = ir.Constant(ir.IntType(32), signature.args[0].dtype.bitwidth // 8)
        builder.call(function, [vector_value, pointer, align, mask])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, value), codegen


@intrinsic
def splat(typing, array, value):
    """A scalar in every lane of a vector of the array's type."""

    def codegen(context, builder, signature, arguments):
        return _splat(builder, context.get_value_type(signature.return_type), arguments[1])

    return Vector(array.dtype)(array, array.dtype), codegen


def _binary(emit, doc):
    def typer(typing, a, b):
        def codegen(context, builder, signature, arguments):
            return emit(builder, *arguments)

        return a(a, a), codegen

    typer.__doc__ = doc
    return intrinsic(typer)


def _larger(builder, a, b):
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _lower(builder, a, b):
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


add = _binary(lambda builder, a, b: builder.fadd(a, b, flags=_FLAGS), "a + b")
subtract = _binary(lambda builder, a, b: builder.fsub(a, b, flags=_FLAGS), "a − b")
multiply = _binary(lambda builder, a, b: builder.fmul(a, b, flags=_FLAGS), "a · b")
divide = _binary(lambda builder, a, b: builder.fdiv(a, b), "a / b")
larger = _binary(_larger, "The larger of a and b in each lane; b where either is NaN.")
smaller = _binary(_lower, "The smaller of a and b in each lane; b where either is NaN.")


@intrinsic
def multiply_add(typing, a, b, c):
    """a · b + c, rounded once where the machine can."""

    def codegen(context, builder, signature, arguments):
        vector = arguments[0].type
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.{_suffix(vector)}"
        )
        return builder.call(function, arguments)

    return a(a, a, a), codegen


def _halves(combine, doc):
    def typer(typing, a):
        def codegen(context, builder, signature, arguments):
            (value,) = arguments
            count = value.type.count
            while count > 1:
                count //= 2
                kind = ir.VectorType(ir.IntType(32), count)
                nothing = ir.Constant(value.type, ir.Undefined)
                low = builder.shuffle_vector(value, nothing, ir.Constant(kind, list(range(count))))
                high = builder.shuffle_vector(value, nothing, ir.Constant(kind, list(range(count, 2 * count))))
                value = combine(builder, low, high)
            return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

        return a.element(a), codegen

    typer.__doc__ = doc
    return intrinsic(typer)


total = _halves(lambda builder, a, b: builder.fadd(a, b, flags=_FLAGS), "Sum of the lanes.")
largest = _halves(_larger, "Largest lane.")
smallest = _halves(_lower, "Smallest lane.")


@intrinsic
def first_equal(typing, a, value):
    """The first lane that equals ``value``; the number of lanes where none does."""

    def codegen(context, builder, signature, arguments):
        vector = arguments[0].type
        same = builder.fcmp_ordered("==", arguments[0], _splat(builder, vector, arguments[1]))
        # One bit more than lanes, so that a bit is always found.
        bits = builder.zext(builder.bitcast(same, ir.IntType(vector.count)), ir.IntType(64))
        bits = builder.or_(bits, ir.Constant(ir.IntType(64), 1 << vector.count))
        return builder.cttz(bits, ir.Constant(ir.IntType(1), 1))

    return types.int64(a, a.element), codegen


@intrinsic
def at_least(typing, a, value):
    """The lanes that are ``value`` or more, one bit each, lane 0 lowest."""

    def codegen(context, builder, signature, arguments):
        vector = arguments[0].type
        enough = builder.fcmp_ordered(">=", arguments[0], _splat(builder, vector, arguments[1]))
        return builder.zext(builder.bitcast(enough, ir.IntType(vector.count)), ir.IntType(64))

    return types.int64(a, a.element), codegen


@intrinsic
def lowest_bit(typing, bits):
    """The place of the lowest bit that is set; some must be."""

    def codegen(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


@intrinsic
def _power_of_two(typing, n):
    """2**n for whole numbers n in the range of normal numbers."""

    def codegen(context, builder, signature, arguments):
        (value,) = arguments
        single = isinstance(value.type.element, ir.FloatType)
        bits, bias, shift = (32, 127, 23) if single else (64, 1023, 52)
        whole = ir.VectorType(ir.IntType(bits), value.type.count)
        exponent = builder.add(builder.fptosi(value, whole), ir.Constant(whole, [bias] * value.type.count))
        return builder.bitcast(builder.shl(exponent, ir.Constant(whole, [shift] * value.type.count)), value.type)

    return n(n), codegen


@intrinsic
def _floor(typing, a):
    def codegen(context, builder, signature, arguments):
        vector = arguments[0].type
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector]), f"llvm.floor.{_suffix(vector)}"
        )
        return builder.call(function, arguments)

    return a(a), codegen


@intrinsic
def where_above(typing, x, bound, value, other):
    """``value`` in the lanes where x > bound, else ``other``."""

    def codegen(context, builder, signature, arguments):
        x, bound, value, other = arguments
        return builder.select(builder.fcmp_ordered(">", x, bound), value, other)

    return x(x, x, x, x), codegen


def exp(array, x):
    """exp of a vector of the array's type for x ≤ 0; exactly 0 below −87 (float32) or −708 (float64).

    Range reduction by ln 2 in two parts and a polynomial; under 2 units in the last place.
    """


_EXP = {
    32: (
        -87.0,
        0.693359375,
        -2.12194440e-4,
        (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1),
    ),
    64: (
        -708.0,
        0.693147180369123816490,
        1.90821492927058770002e-10,
        tuple(1 / float(np.prod(np.arange(2.0, n + 1))) for n in range(13, 1, -1)),
    ),
}


@overload(exp, inline="always")
def _exp(array, x):
    low, high_part, low_part, coefficients = _EXP[array.dtype.bitwidth]
    kind = np.float32 if array.dtype.bitwidth == 32 else np.float64
    low, high_part, low_part = kind(low), kind(-high_part), kind(-low_part)
    log2e, half, one, zero = kind(1.4426950408889634), kind(0.5), kind(1), kind(0)
    coefficients = tuple(map(kind, coefficients))

    def compute(array, x):
        bound = splat(array, low)
        y = larger(x, bound)
        n = _floor(multiply_add(y, splat(array, log2e), splat(array, half)))
        r = multiply_add(n, splat(array, low_part), multiply_add(n, splat(array, high_part), y))
        p = splat(array, coefficients[0])
        for c in coefficients[1:]:
            p = multiply_add(p, r, splat(array, c))
        p = multiply_add(multiply_add(p, r, splat(array, one)), r, splat(array, one))
        return where_above(x, bound, multiply(p, _power_of_two(n)), splat(array, zero))

    return compute


kernel = njit(nogil=True, cache=True, error_model="numpy")
