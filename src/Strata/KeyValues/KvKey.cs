using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// A key: a tuple of parts, each of them bytes, a string, an integer, a number or a boolean. Encoded and ordered as Deno KV
/// does, so that each reads the other's data.
/// </summary>
/// <remarks>
/// <para>Write it as a collection: <c>KvKey key = ["users", 42, "name"];</c>. C#'s <c>42</c> is an integer, JavaScript's
/// <c>42n</c>; JavaScript's <c>42</c> is a double, C#'s <c>42.0</c>. They are different keys.</para>
/// <para>Order: part by part; bytes, then strings, integers, numbers, false, true; a key before the keys that begin with it.
/// <c>default</c> is the empty tuple: the prefix of all keys, and no key itself.</para>
/// <para>As text (<see cref="ToString"/>, <see cref="Parse"/>) it is a JSON array: strings, booleans and numbers (doubles) as
/// JSON has them, an integer as <c>{"int":42}</c>, bytes as <c>{"bytes":"00ff"}</c>, and what JSON lacks as
/// <c>{"number":"NaN"}</c>, <c>"Infinity"</c>, <c>"-Infinity"</c> and <c>"-NaN"</c>.</para>
/// </remarks>
[CollectionBuilder(typeof(KvKey), nameof(Of))]
public readonly struct KvKey : IReadOnlyList<KvKeyPart>, IEquatable<KvKey>, IComparable<KvKey>
{
    private KvKey(ReadOnlyMemory<byte> encoded) => Encoded = encoded;

    /// <summary>The bytes that a database keeps, and sorts by. Their limit is the database's (<see cref="KvLimits.MaxKeyBytes"/>).</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>True for the empty tuple.</summary>
    public bool IsEmpty => Encoded.IsEmpty;

    /// <summary>Whether the bytes are a tuple: always, but for keys that others than this model wrote into a database.</summary>
    public bool IsTuple
    {
        get
        {
            ReadOnlySpan<byte> rest = Encoded.Span;
            while (!rest.IsEmpty)
            {
                if (!KvKeyEncoding.TryDecode(rest, out _, out int length)) return false;
                rest = rest[length..];
            }

            return true;
        }
    }

    /// <summary>How many parts it has. Decodes them.</summary>
    /// <exception cref="FormatException">Not <see cref="IsTuple"/>.</exception>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (KvKeyPart _ in this) count++;
            return count;
        }
    }

    /// <summary>A part. Decodes those before it.</summary>
    /// <param name="index">From 0.</param>
    /// <exception cref="FormatException">Not <see cref="IsTuple"/>.</exception>
    public KvKeyPart this[int index]
    {
        get
        {
            int at = 0;
            foreach (KvKeyPart part in this)
            {
                if (at++ == index) return part;
            }

            throw new ArgumentOutOfRangeException(nameof(index), index, $"The key has {at} parts.");
        }
    }

    /// <summary>The key of some parts.</summary>
    /// <exception cref="ArgumentException">A part is <c>default</c>, or a string is no valid Unicode.</exception>
    public static KvKey Of(params ReadOnlySpan<KvKeyPart> parts) => parts.IsEmpty ? default : new KvKey(KvKeyEncoding.Encode(parts));

    /// <summary>The key of bytes that a database holds. They are kept, and not looked at: see <see cref="IsTuple"/>.</summary>
    public static KvKey OfEncoded(ReadOnlyMemory<byte> encoded) => new(encoded);

    /// <summary>Parses a JSON array.</summary>
    /// <exception cref="ArgumentException">The text is no key; the message says why.</exception>
    public static KvKey Parse(string text) => TryParse(text, out KvKey key, out string? error) ? key : throw new ArgumentException(error, nameof(text));

    /// <summary>Parses a JSON array; false if it is no key.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out KvKey key) => TryParse(text, out key, out _);

    /// <summary>Parses a JSON array; if it is no key, <paramref name="error"/> says why, in words for a user.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out KvKey key, [NotNullWhen(false)] out string? error) => KvKeyText.TryParse(text, out key, out error);

    /// <summary>The parts, decoded one by one.</summary>
    /// <exception cref="FormatException">Not <see cref="IsTuple"/>.</exception>
    public IEnumerator<KvKeyPart> GetEnumerator()
    {
        ReadOnlyMemory<byte> rest = Encoded;
        while (!rest.IsEmpty)
        {
            if (!KvKeyEncoding.TryDecode(rest.Span, out KvKeyPart part, out int length)) throw new FormatException($"The key {this} is no tuple.");
            rest = rest[length..];
            yield return part;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(KvKey other) => Encoded.Span.SequenceEqual(other.Encoded.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is KvKey other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => KvKeyComparer.Instance.GetHashCode(Encoded);

    /// <summary>The order of a database.</summary>
    public int CompareTo(KvKey other) => Encoded.Span.SequenceCompareTo(other.Encoded.Span);

    /// <summary>A JSON array, which <see cref="Parse"/> reads; of what is no tuple, its bytes in hexadecimal digits, which it does not.</summary>
    public override string ToString() => KvKeyText.Of(this);

    /// <summary>True if both are the same key.</summary>
    public static bool operator ==(KvKey left, KvKey right) => left.Equals(right);

    /// <summary>True if they are different keys.</summary>
    public static bool operator !=(KvKey left, KvKey right) => !left.Equals(right);

    /// <summary>The order of a database.</summary>
    public static bool operator <(KvKey left, KvKey right) => left.CompareTo(right) < 0;

    /// <summary>The order of a database.</summary>
    public static bool operator >(KvKey left, KvKey right) => left.CompareTo(right) > 0;

    /// <summary>The order of a database.</summary>
    public static bool operator <=(KvKey left, KvKey right) => left.CompareTo(right) <= 0;

    /// <summary>The order of a database.</summary>
    public static bool operator >=(KvKey left, KvKey right) => left.CompareTo(right) >= 0;
}
