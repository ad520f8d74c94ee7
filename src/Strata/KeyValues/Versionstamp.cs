using System.Buffers.Binary;
using System.Globalization;

namespace Strata;

/// <summary>
/// What a commit is known by: 10 bytes that strictly grow from commit to commit of a database, over restarts and whatever
/// the clock does. Eight bytes count, big-endian; the last two are zero in what Strata issues.
/// </summary>
/// <param name="Counter">The first eight bytes.</param>
/// <param name="Suffix">The last two.</param>
public readonly record struct Versionstamp(ulong Counter, ushort Suffix = 0) : IComparable<Versionstamp>
{
    /// <summary>Its length.</summary>
    public const int Bytes = 10;

    /// <summary>No commit: in a check, the key must have no entry.</summary>
    public static Versionstamp None => default;

    /// <summary>False for <see cref="None"/>.</summary>
    public bool IsKnown => this != default;

    /// <summary>The stamp after this one.</summary>
    public Versionstamp Next() => new(checked(Counter + 1));

    /// <summary>Writes its 10 bytes.</summary>
    public void CopyTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Counter);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[sizeof(ulong)..], Suffix);
    }

    /// <summary>Reads its 10 bytes.</summary>
    /// <returns>False: there are more or fewer.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Versionstamp stamp)
    {
        bool fits = bytes.Length == Bytes;
        stamp = fits ? new Versionstamp(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt16BigEndian(bytes[sizeof(ulong)..])) : None;
        return fits;
    }

    /// <summary>Parses what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string? text, out Versionstamp stamp)
    {
        stamp = None;
        if (text is not { Length: 2 * Bytes }
            || !ulong.TryParse(text.AsSpan(0, 2 * sizeof(ulong)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong counter)
            || !ushort.TryParse(text.AsSpan(2 * sizeof(ulong)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort suffix))
        {
            return false;
        }

        stamp = new Versionstamp(counter, suffix);
        return true;
    }

    /// <summary>Order of the commits.</summary>
    public int CompareTo(Versionstamp other) => Counter != other.Counter ? Counter.CompareTo(other.Counter) : Suffix.CompareTo(other.Suffix);

    /// <summary>20 lower-case hexadecimal digits, which sort as the stamps do.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Counter:x16}{Suffix:x4}");

    /// <summary>Order of the commits.</summary>
    public static bool operator <(Versionstamp left, Versionstamp right) => left.CompareTo(right) < 0;

    /// <summary>Order of the commits.</summary>
    public static bool operator >(Versionstamp left, Versionstamp right) => left.CompareTo(right) > 0;

    /// <summary>Order of the commits.</summary>
    public static bool operator <=(Versionstamp left, Versionstamp right) => left.CompareTo(right) <= 0;

    /// <summary>Order of the commits.</summary>
    public static bool operator >=(Versionstamp left, Versionstamp right) => left.CompareTo(right) >= 0;
}
