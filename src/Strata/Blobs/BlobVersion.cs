using System.Globalization;

namespace Strata;

/// <summary>
/// A hybrid logical clock stamp (Kulkarni et al., 2014): 48 bits of Unix milliseconds, then a 16-bit counter.
/// The commit point gives one to each write and delete; it never gives the same one twice (CONSISTENCY 1).
/// </summary>
/// <param name="Value">The 64 bits; 0 means 'no version' (<see cref="None"/>).</param>
public readonly record struct BlobVersion(ulong Value) : IComparable<BlobVersion>
{
    private static readonly long LastMillisecond = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>No version: an object that others wrote without Strata's metadata.</summary>
    public static BlobVersion None => default;

    /// <summary>False for <see cref="None"/>.</summary>
    public bool IsKnown => Value != 0;

    /// <summary>The wall-clock part, exact to the millisecond; that of a stamp from beyond the year 9999 is its end.</summary>
    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeMilliseconds(Math.Min((long)(Value >> 16), LastMillisecond));

    /// <summary>The first stamp of a moment.</summary>
    public static BlobVersion At(DateTimeOffset time) => new((ulong)Math.Max(0, time.ToUnixTimeMilliseconds()) << 16);

    /// <summary>The next stamp in order.</summary>
    public BlobVersion Next() => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(BlobVersion other) => Value.CompareTo(other.Value);

    /// <summary>16 lower-case hexadecimal digits, which sort as the versions do.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Parses what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string? text, out BlobVersion version)
    {
        bool parsed = ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value) && text!.Length == 16;
        version = parsed ? new BlobVersion(value) : None;
        return parsed;
    }

    /// <summary>
    /// The ETag that a store gives to a write whose caller named none. It holds a <c>-</c>, so that S3 clients do not
    /// take it for the MD5 of the content.
    /// </summary>
    public string ToETag() => $"{this}-v";

    /// <summary>True for the text that <see cref="ToETag"/> gives.</summary>
    internal bool IsETag(string etag)
    {
        Span<char> own = stackalloc char[16];
        return Value.TryFormat(own, out int length, "x16", CultureInfo.InvariantCulture) && etag.Length == length + 2
            && etag.AsSpan(0, length).SequenceEqual(own) && etag.EndsWith("-v", StringComparison.Ordinal);
    }

    /// <summary>Order of issue.</summary>
    public static bool operator <(BlobVersion left, BlobVersion right) => left.Value < right.Value;

    /// <summary>Order of issue.</summary>
    public static bool operator >(BlobVersion left, BlobVersion right) => left.Value > right.Value;

    /// <summary>Order of issue.</summary>
    public static bool operator <=(BlobVersion left, BlobVersion right) => left.Value <= right.Value;

    /// <summary>Order of issue.</summary>
    public static bool operator >=(BlobVersion left, BlobVersion right) => left.Value >= right.Value;
}
