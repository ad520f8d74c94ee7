using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Strata.Server;

/// <summary>An object's metadata as S3 headers, in and out.</summary>
/// <remarks>
/// HTTP headers that S3 keeps with an object and the contract has no field for are metadata under <c>http:NAME</c>; no
/// client can name such metadata, as a colon cannot stand in the name of a header.
/// </remarks>
internal static class S3ObjectHeaders
{
    private const string MetaPrefix = "x-amz-meta-";
    private const string Tagging = "x-amz-tagging";
    private const string Reserved = "http:";
    private const int MaxField = 255;
    private static readonly string[] Kept = ["cache-control", "content-disposition", "content-language", "expires"];
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Query parameters of a GET or HEAD that replace a header of the answer.</summary>
    public static (string Parameter, string Header)[] Overrides { get; } =
    [
        ("response-content-type", HeaderNames.ContentType),
        ("response-content-language", HeaderNames.ContentLanguage),
        ("response-expires", HeaderNames.Expires),
        ("response-cache-control", HeaderNames.CacheControl),
        ("response-content-disposition", HeaderNames.ContentDisposition),
        ("response-content-encoding", HeaderNames.ContentEncoding),
    ];

    /// <summary>What a PUT asks to keep.</summary>
    /// <exception cref="S3Exception">A field is too long or asks for what is not implemented.</exception>
    public static WriteOptions Read(IHeaderDictionary headers)
    {
        RefuseUnsupported(headers);
        return new WriteOptions
        {
            Condition = S3Conditions.ForWrite(headers),
            ContentType = Field(headers.ContentType, HeaderNames.ContentType),
            ContentEncoding = Field(WithoutAwsChunked(headers.ContentEncoding), HeaderNames.ContentEncoding),
            Metadata = ReadMetadata(headers),
        };
    }

    /// <summary>Sets the headers of a GET or HEAD.</summary>
    public static void Write(BlobInfo info, HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        if (IsPlain(info.ETag)) headers.ETag = Quote(info.ETag);
        headers.LastModified = info.Modified.ToString("r", CultureInfo.InvariantCulture);
        headers.AcceptRanges = "bytes";
        headers.ContentType = info.ContentType is { } type && IsPlain(type) ? type : "binary/octet-stream";
        if (info.ContentEncoding is { } encoding && IsPlain(encoding)) headers.ContentEncoding = encoding;
        if (info.Metadata.Count > 0) WriteMetadata(info, headers);
    }

    public static string Quote(string etag) => $"\"{etag}\"";

    /// <summary>True if a header can carry the text as it is.</summary>
    public static bool IsPlain(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');

    private static void WriteMetadata(BlobInfo info, IHeaderDictionary headers)
    {
        int missing = 0;
        foreach ((string name, string value) in info.Metadata)
        {
            if (S3Reserved.Is(name))
            {
                if (name == S3Reserved.Tags) headers["x-amz-tagging-count"] = S3Tags.Of(info).Count.ToString(CultureInfo.InvariantCulture);
                continue;
            }

            if (name.StartsWith(Reserved, StringComparison.Ordinal))
            {
                string kept = name[Reserved.Length..];
                if (Kept.Contains(kept) && IsPlain(value)) headers[kept] = value;
                continue;
            }

            // S3 counts what its headers cannot carry: names that are no token, or that differ only in case.
            string header = MetaPrefix + name;
            if (name.AsSpan().ContainsAnyExcept(TokenCharacters) || headers.ContainsKey(header)) missing++;
            else headers[header] = EncodedWords.Encode(value);
        }

        if (missing > 0) headers["x-amz-missing-meta"] = missing.ToString(CultureInfo.InvariantCulture);
    }

    private static Dictionary<string, string>? ReadMetadata(IHeaderDictionary headers)
    {
        Dictionary<string, string>? metadata = null;
        int bytes = 0;
        foreach ((string header, StringValues value) in headers)
        {
            if (header.StartsWith(MetaPrefix, StringComparison.OrdinalIgnoreCase) && header.Length > MetaPrefix.Length)
                Keep(header[MetaPrefix.Length..].ToLowerInvariant(), EncodedWords.Decode(string.Join(',', (string?[])value!)));
            else if (header.ToLowerInvariant() is { } lower && Kept.Contains(lower))
                Keep(Reserved + lower, value.ToString());
        }

        if (headers.TryGetValue(Tagging, out StringValues tagging) && S3Tags.OfHeader(tagging.ToString()) is { } tags) Keep(S3Reserved.Tags, tags);
        return bytes <= WriteOptions.MaxMetadataBytes - S3Reserved.Room ? metadata : throw S3Error.MetadataTooLarge("The metadata headers and tags").AsException();

        void Keep(string name, string value)
        {
            if (name.Length > MaxField) throw S3Error.InvalidArgument($"The name of a metadata header may have at most {MaxField} characters.").AsException();
            if (value.Contains('\0', StringComparison.Ordinal)) throw S3Error.InvalidArgument($"The metadata '{name}' may not hold NUL.").AsException();
            (metadata ??= new(StringComparer.Ordinal))[name] = value;
            bytes += Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value);
        }
    }

    private static string? Field(StringValues values, string name)
    {
        string value = values.ToString();
        if (value.Length == 0) return null;
        if (value.Length > MaxField) throw S3Error.InvalidArgument($"{name} may have at most {MaxField} characters.").AsException();
        return value.Any(char.IsControl) ? throw S3Error.InvalidArgument($"{name} may not hold control characters.").AsException() : value;
    }

    /// <summary><c>aws-chunked</c> describes the transfer, not the object.</summary>
    private static string WithoutAwsChunked(StringValues encoding) => string.Join(", ", encoding.ToString()
        .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Where(e => !string.Equals(e, "aws-chunked", StringComparison.OrdinalIgnoreCase)));

    /// <summary>What a client asked to be done with the object is done or refused, never ignored.</summary>
    private static void RefuseUnsupported(IHeaderDictionary headers)
    {
        Refuse("x-amz-server-side-encryption");
        Refuse("x-amz-server-side-encryption-customer-algorithm");
        Refuse("x-amz-website-redirect-location");
        Refuse("x-amz-object-lock-mode");
        Refuse("x-amz-object-lock-legal-hold");
        Refuse("x-amz-write-offset-bytes");
        Refuse("x-amz-storage-class", "STANDARD");
        S3Acl.RefuseGrants(headers);

        void Refuse(string header, params ReadOnlySpan<string> but)
        {
            if (headers.TryGetValue(header, out StringValues value)) RefuseBut(header, value.ToString(), but);
        }
    }

    /// <summary>Refuses a header whose value is none of these.</summary>
    /// <exception cref="S3Exception">NotImplemented.</exception>
    public static void RefuseBut(string header, string value, params ReadOnlySpan<string> but)
    {
        foreach (string one in but)
        {
            if (string.Equals(value, one, StringComparison.OrdinalIgnoreCase)) return;
        }

        throw S3Error.NotImplemented(but.IsEmpty ? $"The header {header}" : $"The header {header} with anything but {string.Join(" and ", but!)}").AsException();
    }
}
