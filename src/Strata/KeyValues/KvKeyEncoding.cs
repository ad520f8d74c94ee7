using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Strata;

/// <summary>
/// Deno's encoding of tuples, whose bytes sort as the tuples do (in the manner of FoundationDB's tuple layer): each part is a
/// tag and its value, and no part's encoding begins another's.
/// </summary>
internal static class KvKeyEncoding
{
    private const byte Bytes = 0x01, Text = 0x02, LongNegative = 0x0B, Zero = 0x14, LongPositive = 0x1D, Number = 0x21, False = 0x26, True = 0x27;
    private const byte Escaped = 0xFF;
    private const ulong Sign = 1UL << 63;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Encodes parts.</summary>
    /// <exception cref="ArgumentException">A part is <c>default</c>, or a string is no valid Unicode.</exception>
    public static byte[] Encode(ReadOnlySpan<KvKeyPart> parts)
    {
        int length = 0;
        foreach (KvKeyPart part in parts) length += LengthOf(part);
        byte[] encoded = new byte[length];
        Span<byte> rest = encoded;
        foreach (KvKeyPart part in parts) rest = rest[Write(part, rest)..];
        return encoded;
    }

    /// <summary>Decodes the part that some bytes begin with. What <see cref="Encode"/> would write otherwise is refused.</summary>
    /// <param name="encoded">The bytes.</param>
    /// <param name="part">The part.</param>
    /// <param name="length">How many of the bytes it takes.</param>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, out KvKeyPart part, out int length)
    {
        part = default;
        length = 0;
        if (encoded.IsEmpty) return false;
        switch (encoded[0])
        {
            case Bytes or Text:
                return TryDecodeEscaped(encoded, out part, out length);
            case >= LongNegative and <= LongPositive:
                return TryDecodeInteger(encoded, out part, out length);
            case Number when encoded.Length >= 9:
                length = 9;
                ulong sorted = BinaryPrimitives.ReadUInt64BigEndian(encoded[1..]);
                double number = BitConverter.UInt64BitsToDouble((sorted & Sign) != 0 ? sorted ^ Sign : ~sorted);
                part = double.IsNaN(number) && double.IsNegative(number) ? KvKeyPart.NegativeNaN : KvKeyPart.Of(number);
                return Sorted(part.AsNumber()) == sorted;
            case False or True:
                (part, length) = (KvKeyPart.Of(encoded[0] == True), 1);
                return true;
            default:
                return false;
        }
    }

    private static int LengthOf(in KvKeyPart part)
    {
        switch (part.Kind)
        {
            case KvKeyPartKind.Bytes:
                return part.AsBytes().Length + part.AsBytes().Span.Count((byte)0) + 2;
            case KvKeyPartKind.String:
                return Utf8LengthOf(part.AsString()) + part.AsString().AsSpan().Count('\0') + 2;
            case KvKeyPartKind.Integer:
                int bytes = BytesOf(part.AsInteger());
                return 1 + bytes + (bytes > sizeof(ulong) ? 1 : 0);
            case KvKeyPartKind.Number:
                return 1 + sizeof(double);
            case KvKeyPartKind.Boolean:
                return 1;
            default:
                throw new ArgumentException("A part of a key has a value.", nameof(part));
        }
    }

    private static int Utf8LengthOf(string text)
    {
        try
        {
            return StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException($"A string in a key must be valid Unicode (lone surrogate at {e.Index}).", nameof(text), e);
        }
    }

    private static int Write(in KvKeyPart part, Span<byte> output)
    {
        switch (part.Kind)
        {
            case KvKeyPartKind.Bytes:
                output[0] = Bytes;
                return WriteEscaped(part.AsBytes().Span, output);
            case KvKeyPartKind.String:
                output[0] = Text;
                return part.AsString().Contains('\0', StringComparison.Ordinal) ? WriteEscaped(StrictUtf8.GetBytes(part.AsString()), output) : WriteText(part.AsString(), output);
            case KvKeyPartKind.Integer:
                return WriteInteger(part.AsInteger(), output);
            case KvKeyPartKind.Number:
                output[0] = Number;
                BinaryPrimitives.WriteUInt64BigEndian(output[1..], Sorted(part.AsNumber()));
                return 1 + sizeof(double);
            default:
                output[0] = part.AsBoolean() ? True : False;
                return 1;
        }
    }

    private static int WriteText(string text, Span<byte> output)
    {
        int length = StrictUtf8.GetBytes(text, output[1..]);
        output[1 + length] = 0;
        return length + 2;
    }

    private static int WriteEscaped(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        int at = 1;
        foreach (byte value in bytes)
        {
            output[at++] = value;
            if (value == 0) output[at++] = Escaped;
        }

        output[at++] = 0;
        return at;
    }

    /// <summary>The tag says how many bytes there are; negative numbers are complemented, so that the greater magnitude sorts first.</summary>
    private static int WriteInteger(BigInteger integer, Span<byte> output)
    {
        int bytes = BytesOf(integer), at = 1;
        bool isNegative = integer.Sign < 0;
        if (bytes <= sizeof(ulong))
        {
            output[0] = (byte)(isNegative ? Zero - bytes : Zero + bytes);
        }
        else
        {
            output[0] = isNegative ? LongNegative : LongPositive;
            output[at++] = (byte)(isNegative ? bytes ^ 0xFF : bytes);
        }

        Span<byte> magnitude = output.Slice(at, bytes);
        if (bytes > 0) BigInteger.Abs(integer).TryWriteBytes(magnitude, out _, isUnsigned: true, isBigEndian: true);
        if (isNegative) Complement(magnitude);
        return at + bytes;
    }

    private static bool TryDecodeInteger(ReadOnlySpan<byte> encoded, out KvKeyPart part, out int length)
    {
        part = default;
        byte tag = encoded[0];
        bool isNegative = tag < Zero;
        int bytes = Math.Abs(tag - Zero), at = 1;
        length = 0;
        if (tag is LongNegative or LongPositive)
        {
            if (encoded.Length < 2) return false;
            bytes = isNegative ? encoded[1] ^ 0xFF : encoded[1];
            at = 2;
            if (bytes <= sizeof(ulong)) return false;
        }

        length = at + bytes;
        if (encoded.Length < length) return false;
        Span<byte> magnitude = stackalloc byte[KvKeyPart.MaxIntegerBytes];
        magnitude = magnitude[..bytes];
        encoded.Slice(at, bytes).CopyTo(magnitude);
        if (isNegative) Complement(magnitude);
        if (bytes > 0 && magnitude[0] == 0) return false;
        var integer = new BigInteger(magnitude, isUnsigned: true, isBigEndian: true);
        part = KvKeyPart.Of(isNegative ? -integer : integer);
        return true;
    }

    private static bool TryDecodeEscaped(ReadOnlySpan<byte> encoded, out KvKeyPart part, out int length)
    {
        part = default;
        length = 0;
        int end = 1, zeros = 0;
        while (true)
        {
            int zero = encoded[end..].IndexOf((byte)0);
            if (zero < 0) return false;
            end += zero;
            if (end + 1 == encoded.Length || encoded[end + 1] != Escaped) break;
            zeros++;
            end += 2;
        }

        byte[] bytes = new byte[end - 1 - zeros];
        for (int from = 1, to = 0; to < bytes.Length; to++)
        {
            bytes[to] = encoded[from];
            from += encoded[from] == 0 ? 2 : 1;
        }

        length = end + 1;
        if (encoded[0] == Bytes)
        {
            part = KvKeyPart.Of(bytes.AsMemory());
            return true;
        }

        if (!System.Text.Unicode.Utf8.IsValid(bytes)) return false;
        part = KvKeyPart.Of(StrictUtf8.GetString(bytes));
        return true;
    }

    private static int BytesOf(BigInteger integer) => integer.IsZero ? 0 : BigInteger.Abs(integer).GetByteCount(isUnsigned: true);

    private static ulong Sorted(double number)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(number);
        return (bits & Sign) != 0 ? ~bits : bits | Sign;
    }

    private static void Complement(Span<byte> bytes)
    {
        foreach (ref byte value in bytes) value = (byte)~value;
    }
}
