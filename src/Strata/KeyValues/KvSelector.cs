using System.Buffers.Text;

namespace Strata;

/// <summary>Which keys are meant: those that begin with a prefix, or those of a range. What Strata keeps for itself is never among them.</summary>
public sealed class KvSelector
{
    private readonly byte[] _start, _end, _common;
    private readonly string _text;

    private KvSelector(byte[] start, byte[] end, byte[] common, string text) => (_start, _end, _common, _text) = (start, end, common, text);

    /// <summary>All keys.</summary>
    public static KvSelector All { get; } = Prefix(default);

    /// <summary>The least key that counts.</summary>
    internal ReadOnlyMemory<byte> Start => _start;

    /// <summary>The least key above it that counts no more.</summary>
    internal ReadOnlyMemory<byte> End => _end;

    /// <summary>The keys that begin with all parts of another, without that key itself.</summary>
    /// <param name="prefix">Its parts; the empty tuple: all keys.</param>
    /// <param name="start">The least key that counts; begins with the prefix. Null: the first one.</param>
    /// <param name="end">The first key that counts no more; begins with the prefix. Null: none.</param>
    /// <exception cref="ArgumentException">Start or end do not begin with the prefix, or start is after end.</exception>
    public static KvSelector Prefix(KvKey prefix, KvKey? start = null, KvKey? end = null)
    {
        ReadOnlySpan<byte> common = prefix.Encoded.Span;
        byte[] from = start is { } s ? Within(s, prefix, nameof(start)) : [.. common, 0x00];
        byte[] to = end is { } e ? Within(e, prefix, nameof(end)) : [.. common, 0xFF];
        return Ordered(from, to, common.ToArray(), $"prefix {prefix}");
    }

    /// <summary>The keys from one to another.</summary>
    /// <param name="start">The least key that counts.</param>
    /// <param name="end">The first key after it that counts no more.</param>
    /// <exception cref="ArgumentException">Start is after end.</exception>
    public static KvSelector Range(KvKey start, KvKey end)
    {
        ReadOnlySpan<byte> from = Open(start, nameof(start)).Span, to = Open(end, nameof(end)).Span;
        return Ordered(from.ToArray(), to.ToArray(), from[..from.CommonPrefixLength(to)].ToArray(), $"range {start} to {end}");
    }

    /// <summary>
    /// Where a list goes on after this key, in its direction: for <see cref="KvListOptions.Cursor"/>, in this process or
    /// another, now or later, whether the key is still there or not. The same text as Deno's.
    /// </summary>
    /// <param name="key">A key that the selector listed.</param>
    /// <exception cref="ArgumentException">The key is not among the selected ones.</exception>
    public string CursorAfter(KvKey key)
    {
        ReadOnlySpan<byte> encoded = key.Encoded.Span;
        if (encoded.SequenceCompareTo(_start) < 0 || encoded.SequenceCompareTo(_end) >= 0) throw new ArgumentException($"The key {key} is not within the {_text}.", nameof(key));

        // Base64url as in RFC 4648, section 5, with its padding.
        string text = Base64Url.EncodeToString(encoded[_common.Length..]);
        return text.PadRight((text.Length + 3) / 4 * 4, '=');
    }

    /// <summary>For messages.</summary>
    public override string ToString() => _text;

    /// <summary>What is left after a cursor.</summary>
    /// <param name="cursor">Null or empty: everything.</param>
    /// <param name="reverse">The list's direction.</param>
    /// <param name="maxKeyBytes">Longest key.</param>
    /// <exception cref="ArgumentException">It is no cursor of this selector.</exception>
    internal (ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte> End) After(string? cursor, bool reverse, int maxKeyBytes)
    {
        if (string.IsNullOrEmpty(cursor)) return (_start, _end);
        if (cursor.Length > (maxKeyBytes + 3) * 4 / 3 + 3) throw new ArgumentException($"A cursor of {cursor.Length} characters is longer than any key.", nameof(cursor));
        byte[] rest;
        try
        {
            rest = Base64Url.DecodeFromChars(cursor);
        }
        catch (FormatException e)
        {
            throw new ArgumentException("The cursor is no base64url: it is not what a list gave.", nameof(cursor), e);
        }

        byte[] key = [.. _common, .. rest];
        if (key.Length > maxKeyBytes || key.AsSpan().SequenceCompareTo(_start) < 0 || key.AsSpan().SequenceCompareTo(_end) > 0)
        {
            throw new ArgumentException($"The cursor lies outside of the {_text}: it is another list's.", nameof(cursor));
        }

        return reverse ? (_start, key) : ((byte[])[.. key, 0x00], _end);
    }

    private static KvSelector Ordered(byte[] start, byte[] end, byte[] common, string text) =>
        start.AsSpan().SequenceCompareTo(end) <= 0 ? new KvSelector(start, end, common, text) : throw new ArgumentException($"The {text} ends before it starts.", nameof(end));

    private static byte[] Within(KvKey key, KvKey prefix, string parameter)
    {
        ReadOnlySpan<byte> encoded = key.Encoded.Span, common = prefix.Encoded.Span;

        // FF after a string's end is no new part: the string goes on after an escaped zero.
        return encoded.Length > common.Length && encoded.StartsWith(common) && encoded[common.Length] != 0xFF
            ? Open(key, parameter).ToArray()
            : throw new ArgumentException($"The key {key} does not begin with the prefix {prefix}.", parameter);
    }

    private static ReadOnlyMemory<byte> Open(KvKey key, string parameter) =>
        key.Encoded.IsEmpty || key.Encoded.Span[0] != KvReserved.First ? key.Encoded : throw KvReserved.Refuse(key, parameter);
}
