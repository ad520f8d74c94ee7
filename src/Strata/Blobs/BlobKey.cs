using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Strata;

/// <summary>
/// The validated name of a blob: a path of 1 to 1,024 bytes of UTF-8, its segments separated by <c>/</c>.
/// </summary>
/// <remarks>
/// Invariants, checked once by <see cref="TryParse(string?, out BlobKey, out string?)"/> and relied on everywhere:
/// <list type="bullet">
/// <item>no empty segment (so no leading <c>/</c> and no <c>//</c>); one trailing <c>/</c> is allowed (S3 folder markers);</item>
/// <item>no segment <c>.</c> or <c>..</c>;</item>
/// <item>no control characters, no lone surrogates: the text is valid UTF-8 and printable in a listing;</item>
/// <item>order is that of the UTF-8 bytes, which differs from .NET's ordinal string order above U+D7FF.</item>
/// </list>
/// The first segment is the key's <see cref="Collection"/>. The key carries its hash, so that a look-up computes none.
/// </remarks>
public readonly struct BlobKey : IEquatable<BlobKey>, IComparable<BlobKey>
{
    /// <summary>The greatest length of a key, in bytes of UTF-8.</summary>
    public const int MaxBytes = 1024;

    private readonly string? _value;
    private readonly int _hash;

    private BlobKey(string value)
        : this(value, value.GetHashCode(StringComparison.Ordinal))
    {
    }

    private BlobKey(string value, int hash)
    {
        _value = value;
        _hash = hash;
    }

    /// <summary>The key's text; empty for <c>default</c>, which is no key.</summary>
    public string Value => _value ?? "";

    /// <summary>True for <c>default</c>, which no store accepts.</summary>
    public bool IsDefault => _value is null;

    /// <summary>The first segment, by which policies are usually set.</summary>
    public ReadOnlySpan<char> Collection
    {
        get
        {
            int slash = Value.IndexOf('/', StringComparison.Ordinal);
            return slash < 0 ? Value : Value.AsSpan(0, slash);
        }
    }

    /// <summary>Parses a key.</summary>
    /// <exception cref="ArgumentException">The text is no key; the message says why.</exception>
    public static BlobKey Parse(string text) =>
        TryParse(text, out BlobKey key, out string? error) ? key : throw new ArgumentException(error, nameof(text));

    /// <summary>Parses a key; false if it breaks an invariant.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out BlobKey key) => TryParse(text, out key, out _);

    /// <summary>Parses a key; if it breaks an invariant, <paramref name="error"/> says which, in words for a user.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out BlobKey key, [NotNullWhen(false)] out string? error)
    {
        error = Fault(text);
        key = error is null ? new BlobKey(text!) : default;
        return error is null;
    }

    /// <summary>The hash that the key carries, of this process alone.</summary>
    internal int Hash => _hash;

    /// <summary>A key whose text was that of a key, and whose hash is known.</summary>
    internal static BlobKey Restore(string value, int hash) => new(value, hash);

    private static string? Fault(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "A key may not be empty.";
        if (text.Length > MaxBytes) return $"A key may have at most {MaxBytes} bytes.";
        int bytes = 0, segment = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsControl(c)) return $"A key may not hold control characters (U+{(int)c:X4} at {i}).";
            if (c == '/')
            {
                if (SegmentFault(text.AsSpan(segment, i - segment)) is { } fault) return fault;
                segment = i + 1;
            }

            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                bytes += 4;
                i++;
            }
            else if (char.IsSurrogate(c))
            {
                return $"A key must be valid Unicode (lone surrogate at {i}).";
            }
            else
            {
                bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
            }
        }

        if (bytes > MaxBytes) return $"A key may have at most {MaxBytes} bytes; this one has {bytes}.";
        return segment == text.Length ? null : SegmentFault(text.AsSpan(segment));
    }

    private static string? SegmentFault(ReadOnlySpan<char> segment) => segment switch
    {
        "" => "A key may not hold an empty segment (a leading '/' or '//').",
        "." or ".." => "A key may not hold the segment '.' or '..'.",
        _ => null,
    };

    /// <summary>Compares two texts by their UTF-8 bytes, the order of every listing.</summary>
    /// <returns>Less than, equal to or greater than zero.</returns>
    public static int CompareText(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length) return left.Length - right.Length;
        char l = left[common], r = right[common];

        // UTF-16 puts surrogates (U+10000 and above) before U+E000; UTF-8 puts them last. Rotate them there.
        return Rotate(l) - Rotate(r);

        static int Rotate(char c) => c < 0xD800 ? c : c >= 0xE000 ? c - 0x800 : c + 0x2000;
    }

    /// <inheritdoc/>
    public bool Equals(BlobKey other) =>
        _hash == other._hash && (ReferenceEquals(_value, other._value) || string.Equals(_value, other._value, StringComparison.Ordinal));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BlobKey other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;

    /// <summary>Orders by UTF-8 bytes.</summary>
    public int CompareTo(BlobKey other) => CompareText(Value, other.Value);

    /// <summary>The key's text.</summary>
    public override string ToString() => Value;

    /// <summary>The length of the key in bytes of UTF-8.</summary>
    public int ByteCount => Encoding.UTF8.GetByteCount(Value);

    /// <summary>True if both are the same key.</summary>
    public static bool operator ==(BlobKey left, BlobKey right) => left.Equals(right);

    /// <summary>True if they are different keys.</summary>
    public static bool operator !=(BlobKey left, BlobKey right) => !left.Equals(right);

    /// <summary>Order of UTF-8 bytes.</summary>
    public static bool operator <(BlobKey left, BlobKey right) => left.CompareTo(right) < 0;

    /// <summary>Order of UTF-8 bytes.</summary>
    public static bool operator >(BlobKey left, BlobKey right) => left.CompareTo(right) > 0;

    /// <summary>Order of UTF-8 bytes.</summary>
    public static bool operator <=(BlobKey left, BlobKey right) => left.CompareTo(right) <= 0;

    /// <summary>Order of UTF-8 bytes.</summary>
    public static bool operator >=(BlobKey left, BlobKey right) => left.CompareTo(right) >= 0;
}
