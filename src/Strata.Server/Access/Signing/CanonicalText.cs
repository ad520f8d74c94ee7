using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Strata.Server;

/// <summary>The bytes of a canonical request as they are written: on the stack first, then in a pooled buffer.</summary>
internal ref struct CanonicalText(Span<byte> initial)
{
    private static readonly SearchValues<char> Unreserved = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");
    private static readonly SearchValues<char> UnreservedOrSlash = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/");

    private Span<byte> _buffer = initial;
    private byte[]? _rented;

    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _buffer[..Length];

    public void Append(byte value)
    {
        Room(1)[0] = value;
        Length++;
    }

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Text as UTF-8.</summary>
    public void Append(scoped ReadOnlySpan<char> text) => Length += Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));

    /// <summary>A header's value: trimmed, with each run of blanks within it as one space.</summary>
    public void AppendCollapsed(scoped ReadOnlySpan<char> value)
    {
        value = value.Trim(" \t");
        int blank;
        while ((blank = value.IndexOfAny(' ', '\t')) >= 0)
        {
            Append(value[..blank]);
            Append((byte)' ');
            value = value[blank..].TrimStart(" \t");
        }

        Append(value);
    }

    /// <summary>
    /// A part of a request target in the one form that is signed: escapes decoded once, then everything escaped that is
    /// not unreserved (RFC 3986) and, in a path, no slash.
    /// </summary>
    /// <param name="raw">As it stands in the request line.</param>
    /// <param name="isPath">In a path a slash stays, and a plus is a plus; in a query it is a space.</param>
    /// <exception cref="S3Exception">An escape is malformed, or what it decodes to is not UTF-8.</exception>
    public void AppendEscaped(scoped ReadOnlySpan<char> raw, bool isPath)
    {
        if (!raw.ContainsAnyExcept(isPath ? UnreservedOrSlash : Unreserved))
        {
            Append(raw);
            return;
        }

        byte[] rented = ArrayPool<byte>.Shared.Rent(raw.Length);
        try
        {
            ReadOnlySpan<byte> decoded = rented.AsSpan(0, Decode(raw, rented, isPath));
            if (!Utf8.IsValid(decoded)) throw S3Error.InvalidUri("The escapes of the path or query are not UTF-8.").AsException();
            Span<byte> room = Room(3 * decoded.Length);
            int written = 0;
            foreach (byte b in decoded)
            {
                if (b < 0x80 && (isPath ? UnreservedOrSlash : Unreserved).Contains((char)b))
                {
                    room[written++] = b;
                    continue;
                }

                room[written++] = (byte)'%';
                room[written++] = HexDigit(b >> 4);
                room[written++] = HexDigit(b & 15);
            }

            Length += written;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public void Dispose()
    {
        if (_rented is not null) ArrayPool<byte>.Shared.Return(_rented);
        _rented = null;
        _buffer = default;
    }

    private static int Decode(ReadOnlySpan<char> raw, Span<byte> decoded, bool isPath)
    {
        int length = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            char c = raw[i];
            if (c == '%')
            {
                if (i + 2 >= raw.Length || !char.IsAsciiHexDigit(raw[i + 1]) || !char.IsAsciiHexDigit(raw[i + 2]))
                    throw S3Error.InvalidUri("The path or query holds a '%' that begins no escape of two hexadecimal digits.").AsException();
                decoded[length++] = (byte)((HexValue(raw[i + 1]) << 4) | HexValue(raw[i + 2]));
                i += 2;
            }
            else if (char.IsAscii(c))
            {
                decoded[length++] = c == '+' && !isPath ? (byte)' ' : (byte)c;
            }
            else
            {
                throw S3Error.InvalidUri("The path and query must be ASCII, with everything else escaped.").AsException();
            }
        }

        return length;
    }

    private static byte HexDigit(int value) => (byte)"0123456789ABCDEF"[value];

    private static int HexValue(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - Length < bytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, Length + bytes));
            Written.CopyTo(larger);
            if (_rented is not null) ArrayPool<byte>.Shared.Return(_rented);
            _buffer = _rented = larger;
        }

        return _buffer[Length..];
    }
}
