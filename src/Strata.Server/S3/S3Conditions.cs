using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Strata.Server;

/// <summary>The conditions of a read, in RFC 9110's order (section 13.2.2), which is also S3's.</summary>
/// <remarks>S3 clients send ETags with and without quotes; both are taken.</remarks>
internal readonly struct S3Conditions
{
    private readonly IReadOnlyList<string>? _match;
    private readonly IReadOnlyList<string>? _noneMatch;
    private readonly DateTimeOffset? _modifiedSince;
    private readonly DateTimeOffset? _unmodifiedSince;

    /// <summary>Those of the request itself.</summary>
    public S3Conditions(IHeaderDictionary headers)
        : this(headers.IfMatch, headers.IfNoneMatch, headers.IfModifiedSince, headers.IfUnmodifiedSince)
    {
    }

    /// <summary>Those of a copy's source.</summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="prefix">What stands before HTTP's own names: <c>x-amz-copy-source-</c>.</param>
    public S3Conditions(IHeaderDictionary headers, string prefix)
        : this(
            headers[prefix + HeaderNames.IfMatch], headers[prefix + HeaderNames.IfNoneMatch],
            headers[prefix + HeaderNames.IfModifiedSince], headers[prefix + HeaderNames.IfUnmodifiedSince])
    {
    }

    private S3Conditions(StringValues match, StringValues noneMatch, StringValues modifiedSince, StringValues unmodifiedSince)
    {
        _match = Tags(match);
        _noneMatch = Tags(noneMatch);
        _modifiedSince = Date(modifiedSince);
        _unmodifiedSince = Date(unmodifiedSince);
    }

    /// <summary>The one ETag of If-None-Match, which a store can judge by itself; null if there is none, or several.</summary>
    public string? SingleNoneMatch => _noneMatch is [string one] ? one : null;

    /// <summary>What the conditions say of a blob.</summary>
    public BlobReadStatus Evaluate(BlobInfo info)
    {
        if (_match is null && _noneMatch is null && _modifiedSince is null && _unmodifiedSince is null) return BlobReadStatus.Found;

        // HTTP dates have whole seconds.
        DateTimeOffset modified = DateTimeOffset.FromUnixTimeSeconds(info.Modified.ToUnixTimeSeconds());
        if (_match is not null ? !Matches(_match, info.ETag) : _unmodifiedSince < modified) return BlobReadStatus.PreconditionFailed;
        if (_noneMatch is not null ? Matches(_noneMatch, info.ETag) : _modifiedSince >= modified) return BlobReadStatus.NotModified;
        return BlobReadStatus.Found;
    }

    /// <summary>The condition of a write: <c>If-None-Match: *</c> or <c>If-Match: ETAG</c>.</summary>
    /// <exception cref="S3Exception">Any other form. A header without an ETag is no 'unconditional': its client meant one.</exception>
    public static WriteCondition ForWrite(IHeaderDictionary headers)
    {
        IReadOnlyList<string>? match = Tags(headers.IfMatch), noneMatch = Tags(headers.IfNoneMatch);
        if (match is [] || noneMatch is []) throw S3Error.InvalidArgument("If-Match and If-None-Match must name an ETag.").AsException();
        if (match is not null && noneMatch is not null) throw S3Error.InvalidRequest("If-Match and If-None-Match exclude each other.").AsException();
        if (noneMatch is not null) return noneMatch is ["*"] ? WriteCondition.IfAbsent : throw S3Error.NotImplemented("If-None-Match with anything but * on a write").AsException();
        if (match is null) return default;
        return match is [string etag] ? WriteCondition.IfMatch(etag) : throw S3Error.NotImplemented("If-Match with several ETags on a write").AsException();
    }

    /// <summary>An ETag without its quotes.</summary>
    public static string Unquote(string etag) => etag is ['"', .., '"'] ? etag[1..^1] : etag;

    private static bool Matches(IReadOnlyList<string> tags, string etag) => tags.Contains(etag) || tags.Contains("*");

    /// <summary>The ETags that the header names, perhaps none; null without the header.</summary>
    private static List<string>? Tags(StringValues values)
    {
        if (values.Count == 0) return null;
        var tags = new List<string>(1);
        foreach (string? value in values)
        {
            foreach (string part in (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                string tag = Unquote(part.StartsWith("W/", StringComparison.Ordinal) ? part[2..] : part);
                if (tag.Length > 0) tags.Add(tag);
            }
        }

        return tags;
    }

    /// <summary>A date that is none is ignored, as RFC 9110 asks.</summary>
    private static DateTimeOffset? Date(StringValues values) =>
        values.Count > 0 && HeaderUtilities.TryParseDate(values.ToString(), out DateTimeOffset date) ? date : null;
}
