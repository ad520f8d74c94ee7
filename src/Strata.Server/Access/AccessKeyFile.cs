using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Strata.Server;

/// <summary>
/// The file <c>access.json</c> of a data folder (docs/formats/access-keys.md): a line of JSON with magic, format version and
/// the CRC-32C of what follows; then the keys, their secrets sealed. What is not exactly as it was written is refused.
/// </summary>
internal sealed class AccessKeyFile(string folder)
{
    /// <summary>Its name in the data folder.</summary>
    public const string Name = "access.json";

    private const string Magic = "strata-access-keys";
    private const int Version = 1, MaxBytes = 64 << 20;

    private static readonly AccessFileJson Readable = new(new JsonSerializerOptions(AccessFileJson.Default.Options) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private readonly string _path = Path.Combine(folder, Name);

    /// <summary>What the file holds; null if there is none, so that there never were keys.</summary>
    /// <exception cref="StorageException">It is damaged, of a later format, or cannot be read.</exception>
    public AccessKeyList? Read()
    {
        try
        {
            if (!File.Exists(_path)) return null;
            if (new FileInfo(_path).Length > MaxBytes) throw Damaged("it is too long");
            return Parse(File.ReadAllBytes(_path));
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "read", null, Name, folder);
        }
    }

    /// <summary>Replaces the file, durably: a crash leaves the old one or the new one.</summary>
    /// <exception cref="StorageException">The disk is full, or refuses.</exception>
    public void Write(AccessKeyList list)
    {
        byte[] body = [.. JsonSerializer.SerializeToUtf8Bytes(list, Readable.AccessKeyList), (byte)'\n'];
        try
        {
            PrivateFile.Replace(_path, [.. HeaderOf(body), .. body]);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "write", null, Name, folder);
        }
    }

    private AccessKeyList Parse(byte[] file)
    {
        int end = Array.IndexOf(file, (byte)'\n') + 1;
        if (end == 0) throw Damaged("its first line does not end");
        AccessKeyFileHeader? header = Json(file.AsSpan(0, end), AccessFileJson.Default.AccessKeyFileHeader, "its first line");
        if (header?.Magic != Magic) throw Damaged("its first line is not that of a file with access keys");
        if (header.Version != Version)
        {
            throw new StorageException(
                StorageErrorKind.Unsupported, $"The access keys in {_path} have format {header.Version}; this version of Strata reads format {Version}. Use the version that wrote them.")
            {
                Operation = "read", Store = Name,
            };
        }

        ReadOnlySpan<byte> body = file.AsSpan(end);
        if (!file.AsSpan(0, end).SequenceEqual(HeaderOf(body))) throw Damaged("its checksum is wrong");
        AccessKeyList list = Json(body, AccessFileJson.Default.AccessKeyList, "what follows its first line") ?? throw Damaged("it holds nothing");
        if (list.Keys.DistinctBy(k => k.Id, StringComparer.Ordinal).Count() != list.Keys.Count) throw Damaged("two of its keys have one id");
        return list;
    }

    private T? Json<T>(ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type);
        }
        catch (JsonException e)
        {
            throw Damaged($"{what} is no such JSON", e);
        }
    }

    private StorageException Damaged(string fault, Exception? inner = null) => new(
        StorageErrorKind.Corrupt,
        $"The access keys in {_path} are damaged: {fault}. Nothing is served without them. Restore the file from a backup, or remove it and make new keys with 'strata access create'.",
        inner)
    {
        Operation = "read", Store = Name,
    };

    private static byte[] HeaderOf(ReadOnlySpan<byte> body)
    {
        var header = new AccessKeyFileHeader(Magic, Version, Crc32C.Of(body).ToString("x8", CultureInfo.InvariantCulture));
        return [.. JsonSerializer.SerializeToUtf8Bytes(header, AccessFileJson.Default.AccessKeyFileHeader), (byte)'\n'];
    }
}

/// <summary>The file's first line.</summary>
internal sealed record AccessKeyFileHeader(string Magic, int Version, string Crc32c);

/// <summary>What follows it.</summary>
/// <param name="SealingKey">The id of the key that all secrets are sealed with.</param>
/// <param name="Keys">The keys, in order of their ids.</param>
internal sealed record AccessKeyList(string SealingKey, IReadOnlyList<SealedAccessKey> Keys);

/// <summary>A key in the file.</summary>
internal sealed record SealedAccessKey(string Id, string Name, DateTimeOffset Created, IReadOnlyList<string> Grants, string Secret)
{
    /// <summary>Seals a key.</summary>
    public static SealedAccessKey Of(AccessKey key, SealingKey sealing)
    {
        var open = new SealedAccessKey(key.Id, key.Name, key.Created, [.. key.Grants.Select(g => g.ToString())], "");
        return open with { Secret = sealing.Seal(key.Secret, open.Context()) };
    }

    /// <summary>The key itself; null if anything of it is not as it was sealed.</summary>
    public AccessKey? Open(SealingKey sealing) =>
        sealing.Open(Secret, Context()) is { } secret ? new AccessKey { Id = Id, Secret = secret, Name = Name, Created = Created, Grants = ParsedGrants(), IsKept = true } : null;

    /// <summary>What the key may do.</summary>
    public IReadOnlyList<AccessGrant> ParsedGrants() => [.. Grants.Select(g => AccessGrant.TryParse(g, out AccessGrant? grant, out _) ? grant : null).OfType<AccessGrant>()];

    /// <summary>
    /// All of the key but its secret, with the format: the seal holds for nothing else, so that nobody who can only write
    /// the folder gives a key other rights.
    /// </summary>
    private byte[] Context()
    {
        using var context = new MemoryStream();
        using var writer = new BinaryWriter(context, Encoding.UTF8);
        writer.Write("strata access key 1");
        writer.Write(Id);
        writer.Write(Name);
        writer.Write(Created.UtcTicks);
        writer.Write(Grants.Count);
        foreach (string grant in Grants) writer.Write(grant);
        return context.ToArray();
    }
}

/// <summary>Source-generated serialisation of both files. Names that nobody knows, and missing ones, are refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AccessKeyFileHeader))]
[JsonSerializable(typeof(AccessKeyList))]
[JsonSerializable(typeof(SealingKeyContent))]
internal sealed partial class AccessFileJson : JsonSerializerContext;
