using System.Globalization;
using System.Numerics;

namespace Strata;

/// <summary>
/// A part of a <see cref="KvKey"/>: bytes, a string, an integer, a number or a boolean. Values of C# become one by themselves.
/// </summary>
/// <remarks>
/// An <c>int</c>, <c>long</c>, <c>ulong</c> or <see cref="BigInteger"/> is an integer (JavaScript's <c>1n</c>), a <c>double</c>
/// is a number (JavaScript's <c>1</c>): two different parts. To meet a key that Deno wrote as <c>["users", 1]</c>, say
/// <c>["users", 1.0]</c>.
/// </remarks>
public readonly struct KvKeyPart : IEquatable<KvKeyPart>
{
    /// <summary>Bytes of the longest integer.</summary>
    public const int MaxIntegerBytes = 255;

    /// <summary>The NaN that JavaScript's code has, and Deno with it. C#'s has a sign.</summary>
    private const long PositiveNaN = 0x7FF8_0000_0000_0000;

    private readonly object? _value;
    private readonly long _bits;

    private KvKeyPart(KvKeyPartKind kind, object? value, long bits = 0) => (Kind, _value, _bits) = (kind, value, bits);

    /// <summary>What it is.</summary>
    public KvKeyPartKind Kind { get; }

    /// <summary>The NaN with a sign, less than any other number: Deno tells it apart, though JavaScript makes it from foreign bytes alone.</summary>
    internal static KvKeyPart NegativeNaN { get; } = new(KvKeyPartKind.Number, null, PositiveNaN | long.MinValue);

    /// <summary>Bytes; they are kept, not copied.</summary>
    public static KvKeyPart Of(ReadOnlyMemory<byte> bytes) => new(KvKeyPartKind.Bytes, bytes);

    /// <summary>A string.</summary>
    public static KvKeyPart Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(KvKeyPartKind.String, text);
    }

    /// <summary>An integer.</summary>
    public static KvKeyPart Of(long integer) => new(KvKeyPartKind.Integer, null, integer);

    /// <summary>An integer.</summary>
    /// <exception cref="ArgumentException">Its magnitude has more than <see cref="MaxIntegerBytes"/> bytes.</exception>
    public static KvKeyPart Of(BigInteger integer)
    {
        if (integer >= long.MinValue && integer <= long.MaxValue) return Of((long)integer);
        int bytes = BigInteger.Abs(integer).GetByteCount(isUnsigned: true);
        return bytes <= MaxIntegerBytes
            ? new(KvKeyPartKind.Integer, integer)
            : throw new ArgumentException($"An integer in a key has at most {MaxIntegerBytes} bytes, not {bytes}.", nameof(integer));
    }

    /// <summary>A number. All NaN of C# become JavaScript's, the greatest number of all; −0 is another than 0.</summary>
    public static KvKeyPart Of(double number) => new(KvKeyPartKind.Number, null, double.IsNaN(number) ? PositiveNaN : BitConverter.DoubleToInt64Bits(number));

    /// <summary>A boolean.</summary>
    public static KvKeyPart Of(bool boolean) => new(KvKeyPartKind.Boolean, null, boolean ? 1 : 0);

    /// <summary>The bytes.</summary>
    /// <exception cref="InvalidOperationException">It is no bytes.</exception>
    public ReadOnlyMemory<byte> AsBytes() => Kind == KvKeyPartKind.Bytes ? (ReadOnlyMemory<byte>)_value! : throw Not(KvKeyPartKind.Bytes);

    /// <summary>The string.</summary>
    /// <exception cref="InvalidOperationException">It is no string.</exception>
    public string AsString() => Kind == KvKeyPartKind.String ? (string)_value! : throw Not(KvKeyPartKind.String);

    /// <summary>The integer.</summary>
    /// <exception cref="InvalidOperationException">It is no integer.</exception>
    public BigInteger AsInteger() => Kind == KvKeyPartKind.Integer ? _value is BigInteger large ? large : _bits : throw Not(KvKeyPartKind.Integer);

    /// <summary>The integer.</summary>
    /// <exception cref="InvalidOperationException">It is no integer.</exception>
    /// <exception cref="OverflowException">It has more than 64 bits.</exception>
    public long AsInt64() => Kind == KvKeyPartKind.Integer && _value is null ? _bits : (long)AsInteger();

    /// <summary>The number.</summary>
    /// <exception cref="InvalidOperationException">It is no number.</exception>
    public double AsNumber() => Kind == KvKeyPartKind.Number ? BitConverter.Int64BitsToDouble(_bits) : throw Not(KvKeyPartKind.Number);

    /// <summary>The boolean.</summary>
    /// <exception cref="InvalidOperationException">It is no boolean.</exception>
    public bool AsBoolean() => Kind == KvKeyPartKind.Boolean ? _bits != 0 : throw Not(KvKeyPartKind.Boolean);

    /// <summary>Bytes.</summary>
    public static implicit operator KvKeyPart(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return Of(bytes.AsMemory());
    }

    /// <summary>Bytes.</summary>
    public static implicit operator KvKeyPart(ReadOnlyMemory<byte> bytes) => Of(bytes);

    /// <summary>A string.</summary>
    public static implicit operator KvKeyPart(string text) => Of(text);

    /// <summary>An integer: JavaScript's <c>1n</c>, not its <c>1</c>.</summary>
    public static implicit operator KvKeyPart(int integer) => Of((long)integer);

    /// <summary>An integer.</summary>
    public static implicit operator KvKeyPart(uint integer) => Of((long)integer);

    /// <summary>An integer.</summary>
    public static implicit operator KvKeyPart(long integer) => Of(integer);

    /// <summary>An integer.</summary>
    public static implicit operator KvKeyPart(ulong integer) => Of((BigInteger)integer);

    /// <summary>An integer.</summary>
    public static implicit operator KvKeyPart(BigInteger integer) => Of(integer);

    /// <summary>A number: JavaScript's <c>1</c>.</summary>
    public static implicit operator KvKeyPart(double number) => Of(number);

    /// <summary>A boolean.</summary>
    public static implicit operator KvKeyPart(bool boolean) => Of(boolean);

    /// <inheritdoc/>
    public bool Equals(KvKeyPart other) => Kind == other.Kind && _bits == other._bits && (Kind == KvKeyPartKind.Bytes ? AsBytes().Span.SequenceEqual(other.AsBytes().Span) : Equals(_value, other._value));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is KvKeyPart other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(Kind);
        hash.Add(_bits);
        if (Kind == KvKeyPartKind.Bytes) hash.AddBytes(AsBytes().Span);
        else hash.Add(_value);
        return hash.ToHashCode();
    }

    /// <summary>Its value, for people; <see cref="KvKey.ToString"/> has the form that can be parsed.</summary>
    public override string ToString() => Kind switch
    {
        KvKeyPartKind.None => "",
        KvKeyPartKind.Bytes => Convert.ToHexStringLower(AsBytes().Span),
        KvKeyPartKind.String => AsString(),
        KvKeyPartKind.Integer => AsInteger().ToString(CultureInfo.InvariantCulture),
        KvKeyPartKind.Number when this == NegativeNaN => "-NaN",
        KvKeyPartKind.Number => AsNumber().ToString("R", CultureInfo.InvariantCulture),
        _ => AsBoolean() ? "true" : "false",
    };

    /// <summary>True if both are the same part.</summary>
    public static bool operator ==(KvKeyPart left, KvKeyPart right) => left.Equals(right);

    /// <summary>True if they are different parts.</summary>
    public static bool operator !=(KvKeyPart left, KvKeyPart right) => !left.Equals(right);

    private InvalidOperationException Not(KvKeyPartKind asked) => new($"A part of kind {Kind} is read as {asked}.");
}
