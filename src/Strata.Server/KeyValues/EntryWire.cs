using System.Buffers.Text;

namespace Strata.Server;

/// <summary>An entry as the page shows it: its value as text, cut where it is long.</summary>
/// <param name="Id">The key's bytes in base64url: what names the entry, of any key.</param>
/// <param name="Key">The key as a JSON array; of a key that is no tuple, its bytes in hexadecimal digits.</param>
/// <param name="Form">What the text is: <c>js</c>, <c>u64</c>, <c>text</c>, <c>bytes</c> (in hexadecimal digits), or <c>damaged</c>: what is wrong.</param>
/// <param name="Length">Bytes of the whole value.</param>
/// <param name="Text">The value; null: it is a large one, which is not read for this.</param>
/// <param name="IsCut">True if the text is only the beginning.</param>
/// <param name="Versionstamp">The commit that wrote it.</param>
/// <param name="Expires">From when on it is gone; null: never, or the database does not tell.</param>
internal sealed record EntryWire(string Id, string Key, string Form, long Length, string? Text, bool IsCut, string Versionstamp, DateTimeOffset? Expires)
{
    /// <summary>As it is in a list. A large value is not read.</summary>
    /// <param name="raw">The entry as the database holds it.</param>
    /// <param name="mostChars">The longest text.</param>
    public static EntryWire From(KvEntry raw, int mostChars)
    {
        try
        {
            return KvManifest.Read(raw.Value) is { } large ? Of(raw, FormOf(large.Encoding), large.Length) : From(raw, raw.Value, mostChars);
        }
        catch (FormatException e)
        {
            return Damaged(raw, e.Message);
        }
    }

    /// <summary>As it is by itself.</summary>
    /// <param name="raw">The entry as the database holds it.</param>
    /// <param name="value">Its whole value.</param>
    /// <param name="mostChars">The longest text.</param>
    public static EntryWire From(KvEntry raw, KvValue value, int mostChars)
    {
        string text = KvValueText.Show(value, mostChars, out bool isCut), form = FormOf(value.Encoding);
        if (value.Encoding != KvEncoding.V8 && !value.TryGetUInt64(out _) && KvValueText.ReadableOf(value) is not null)
        {
            // What turns the direction of text around, or is not seen, is shown as what it is.
            form = "text";
            text = string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(V8Display.Escaped));
        }

        return Of(raw, form, value.Data.Length, text, isCut);
    }

    /// <summary>An entry whose value cannot be read.</summary>
    public static EntryWire Damaged(KvEntry raw, string why) => Of(raw, "damaged", raw.Value.Data.Length, why);

    /// <summary>The key that an id names.</summary>
    /// <exception cref="ArgumentException">It names none.</exception>
    public static KvKey KeyOf(string id)
    {
        try
        {
            return KvKey.OfEncoded(Base64Url.DecodeFromChars(id));
        }
        catch (FormatException e)
        {
            throw new ArgumentException($"'{id}' is no entry's id.", nameof(id), e);
        }
    }

    /// <summary>The id of a key.</summary>
    public static string IdOf(ReadOnlyMemory<byte> key) => Base64Url.EncodeToString(key.Span);

    private static EntryWire Of(KvEntry raw, string form, long length, string? text = null, bool isCut = false) =>
        new(IdOf(raw.Key), KvKey.OfEncoded(raw.Key).ToString(), form, length, text, isCut, raw.Versionstamp.ToString(), raw.Expires);

    private static string FormOf(KvEncoding encoding) => encoding switch { KvEncoding.V8 => "js", KvEncoding.Le64 => "u64", _ => "bytes" };
}
