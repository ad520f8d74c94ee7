using System.Globalization;
using System.Text.Json;

namespace Strata;

/// <summary>A line of an export of metadata (docs/formats/tier-metadata.md): what it says of one blob.</summary>
internal sealed record DescribedBlob
{
    public required BlobInfo Info { get; init; }

    /// <summary>The tiers that held it.</summary>
    public IReadOnlyList<string> Tiers { get; init; } = [];

    /// <summary>How much it was used; null where nothing counted that.</summary>
    public double? Score { get; init; }

    /// <summary>The tier that it was pinned to; null for none.</summary>
    public string? Pin { get; init; }

    /// <summary>What it takes to give a blob the metadata of this line; null if the blob has it.</summary>
    public BlobChanges? ChangesTo(BlobInfo blob)
    {
        bool isSame = blob.Expires == Info.Expires && blob.ContentType == Info.ContentType && blob.ContentEncoding == Info.ContentEncoding
            && blob.Metadata.Count == Info.Metadata.Count && blob.Metadata.All(pair => Info.Metadata.TryGetValue(pair.Key, out string? value) && value == pair.Value);
        return isSame ? null : new BlobChanges
        {
            Expires = Info.Expires, ContentType = Info.ContentType, ContentEncoding = Info.ContentEncoding, Metadata = new(Info.Metadata.Count == 0 ? null : Info.Metadata),
        };
    }

    /// <summary>Whether the blob has the bytes that this line was written of, as far as is known.</summary>
    public bool HasContentOf(BlobInfo blob)
    {
        if (blob.Length != Info.Length) return false;
        if (blob.IsSameWriteAs(Info)) return true;
        return blob.Checksum is { } has && Info.Checksum is { } had ? has == had : blob.ETag == Info.ETag;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("key", Info.Key.Value);
        json.WriteNumber("length", Info.Length);
        json.WriteString("etag", Info.ETag);
        if (Info.Version.IsKnown) json.WriteString("version", Info.Version.ToString());
        json.WriteString("created", TimeText(Info.Created));
        json.WriteString("modified", TimeText(Info.Modified));
        if (Info.Expires is { } expires) json.WriteString("expires", TimeText(expires));
        if (Info.ContentType is { } type) json.WriteString("contentType", type);
        if (Info.ContentEncoding is { } encoding) json.WriteString("contentEncoding", encoding);
        if (Info.Checksum is { } checksum) json.WriteString("crc32c", checksum.ToString("x8", CultureInfo.InvariantCulture));
        if (Info.Metadata.Count > 0)
        {
            json.WriteStartObject("metadata");
            foreach ((string name, string value) in Info.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal)) json.WriteString(name, value);
            json.WriteEndObject();
        }

        json.WriteStartArray("tiers");
        foreach (string tier in Tiers) json.WriteStringValue(tier);
        json.WriteEndArray();
        if (Score is { } score && double.IsFinite(score)) json.WriteNumber("score", score);
        if (Pin is not null) json.WriteString("pin", Pin);
        json.WriteEndObject();
    }

    /// <exception cref="FormatException">A field is missing or out of its range.</exception>
    public static DescribedBlob Read(JsonElement line)
    {
        if (!BlobKey.TryParse(Text(line, "key") ?? throw Lacks("key"), out BlobKey key, out string? fault)) throw new FormatException(fault);
        long length = Number(line, "length");
        if (length < 0) throw new FormatException("Its length is negative.");
        string? version = Text(line, "version"), checksum = Text(line, "crc32c");
        BlobVersion stamp = default;
        if (version is not null && !BlobVersion.TryParse(version, out stamp)) throw new FormatException("Its version is not of 16 hexadecimal digits.");
        uint crc = 0;
        if (checksum is not null && (checksum.Length != 8 || !uint.TryParse(checksum, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out crc))) throw new FormatException("Its crc32c is not of 8 hexadecimal digits.");
        var blob = new DescribedBlob
        {
            Info = new BlobInfo
            {
                Key = key, Length = length, ETag = Text(line, "etag") ?? throw Lacks("etag"), Version = stamp, Created = Time(line, "created") ?? throw Lacks("created"),
                Modified = Time(line, "modified") ?? throw Lacks("modified"), Expires = Time(line, "expires"), ContentType = Text(line, "contentType"),
                ContentEncoding = Text(line, "contentEncoding"), Checksum = checksum is null ? null : crc, Metadata = MetadataOf(line),
            },
        };
        BlobLimits.Check(new BlobChanges { ContentType = blob.Info.ContentType, ContentEncoding = blob.Info.ContentEncoding, Metadata = new(blob.Info.Metadata) });
        return blob;
    }

    public static string? Text(JsonElement line, string name)
    {
        if (!line.TryGetProperty(name, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw new FormatException($"'{name}' is not a text.");
    }

    public static long Number(JsonElement line, string name)
    {
        if (!line.TryGetProperty(name, out JsonElement value)) throw Lacks(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : throw new FormatException($"'{name}' is not a whole number.");
    }

    public static DateTimeOffset? Time(JsonElement line, string name)
    {
        if (Text(line, name) is not { } text) return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time)
            ? time : throw new FormatException($"'{name}' is not a time.");
    }

    /// <summary>To the 100 ns that .NET keeps, in UTC.</summary>
    public static string TimeText(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture);

    private static IReadOnlyDictionary<string, string> MetadataOf(JsonElement line)
    {
        if (!line.TryGetProperty("metadata", out JsonElement value)) return BlobInfo.NoMetadata;
        if (value.ValueKind != JsonValueKind.Object) throw new FormatException("'metadata' is not an object.");
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty property in value.EnumerateObject())
            metadata[property.Name] = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : throw new FormatException($"The metadata '{property.Name}' is not a text.");
        return metadata;
    }

    private static FormatException Lacks(string name) => new($"'{name}' is missing.");
}
