using System.Globalization;
using System.Text;
using System.Xml;

namespace Strata.Server;

/// <summary>An object's tags: up to ten, of different keys of 1 to 128 characters, with values of up to 256.</summary>
/// <remarks>Kept as key and value in turn, a line each; no tag can hold the end of a line.</remarks>
internal static class S3Tags
{
    private const int MaxTags = 10, MaxKey = 128, MaxValue = 256;

    /// <summary>Reads the header <c>x-amz-tagging</c>, which is spelled as a query; what is kept of it, null for no tags.</summary>
    /// <exception cref="S3Exception">A tag breaks a limit.</exception>
    public static string? OfHeader(string header) => Checked([.. header
        .Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Split('=', 2))
        .Select(pair => (Decoded(pair[0]), pair.Length > 1 ? Decoded(pair[1]) : ""))]);

    /// <summary>Reads <c>&lt;Tagging&gt;</c>; what is kept of it, null for no tags.</summary>
    /// <exception cref="S3Exception">A tag breaks a limit.</exception>
    /// <exception cref="XmlException">The document is something else.</exception>
    public static string? OfXml(XmlReader reader)
    {
        var tags = new List<(string, string)>();
        reader.ReadDocument("Tagging", name =>
        {
            if (name != "TagSet") throw new XmlException();
            reader.ReadChildren(child =>
            {
                if (child != "Tag") throw new XmlException();
                string? key = null, value = null;
                reader.ReadChildren(field =>
                {
                    if (field == "Key") key = reader.ReadElementContentAsString();
                    else if (field == "Value") value = reader.ReadElementContentAsString();
                    else throw new XmlException();
                });
                tags.Add((key ?? throw new XmlException(), value ?? throw new XmlException()));
            });
        });
        return Checked(tags);
    }

    /// <summary>The tags of an object, in the order of their setting.</summary>
    public static IReadOnlyList<(string Key, string Value)> Of(BlobInfo info)
    {
        if (!info.Metadata.TryGetValue(S3Reserved.Tags, out string? kept)) return [];
        string[] lines = kept.Split('\n');
        return [.. lines.Chunk(2).Where(pair => pair.Length == 2).Select(pair => (pair[0], pair[1]))];
    }

    private static string? Checked(List<(string Key, string Value)> tags)
    {
        if (tags.Count > MaxTags) throw new S3Error(400, "BadRequest", $"Object tags cannot be greater than {MaxTags}.").AsException();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string key, string value) in tags)
        {
            if (key.Length is 0 or > MaxKey || !IsText(key)) throw Invalid($"A tag's key takes 1 to {MaxKey} letters, digits, spaces and + - = . _ : / @.");
            if (value.Length > MaxValue || !IsText(value)) throw Invalid($"A tag's value takes up to {MaxValue} letters, digits, spaces and + - = . _ : / @.");
            if (key.StartsWith("aws:", StringComparison.OrdinalIgnoreCase)) throw Invalid("Tags that begin with aws: are the system's.");
            if (!keys.Add(key)) throw Invalid("Cannot provide multiple Tags with the same key.");
        }

        return tags.Count == 0 ? null : string.Join('\n', tags.Select(t => $"{t.Key}\n{t.Value}"));
    }

    private static bool IsText(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isOne = rune.IsAscii
                ? Rune.IsLetterOrDigit(rune) || " +-=._:/@".Contains((char)rune.Value, StringComparison.Ordinal)
                : rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.OtherNotAssigned
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            if (!isOne) return false;
        }

        return true;
    }

    private static string Decoded(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static S3Exception Invalid(string message) => new S3Error(400, "InvalidTag", message).AsException();
}
