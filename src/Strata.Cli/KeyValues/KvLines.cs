using System.Text.Json.Serialization;

namespace Strata.Cli;

/// <summary>An entry, exactly: what get, list, watch and export write, and import reads.</summary>
/// <param name="Key">The key, as a JSON array in a text.</param>
/// <param name="Encoding">V8, Le64 or Bytes.</param>
/// <param name="Data">The value's bytes, in base64; null where only keys were asked for.</param>
/// <param name="Value">The value as text, where it is one that a person reads.</param>
/// <param name="Versionstamp">The commit that wrote it.</param>
/// <param name="Expires">When it expires.</param>
internal sealed record KvEntryLine(
    string Key,
    KvEncoding Encoding,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] byte[]? Data = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Value = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Versionstamp = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? Expires = null)
{
    public static KvEntryLine Of(KvEntry<KvValue> entry) => new(
        entry.Key.ToString(),
        entry.Value.Encoding,
        entry.Value.Data.ToArray(),
        entry.Value.Encoding == KvEncoding.Bytes ? KvText.TextOf(entry.Value) : KvText.Show(entry.Value),
        entry.Versionstamp.ToString(),
        entry.Expires);
}

/// <summary>A key of a list without values, or a key that has no entry.</summary>
internal sealed record KvKeyLine(string Key, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Missing = null);

/// <summary>What a command has done.</summary>
internal sealed record KvDoneLine(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Versionstamp = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Count = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Cursor = null);
