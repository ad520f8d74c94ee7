using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>
/// What a request says of its own signature (AWS Signature Version 4), taken apart and not yet believed: in the
/// Authorization header or, of a presigned address, in the query.
/// </summary>
internal readonly ref struct SignatureClaim
{
    public const string Algorithm = "AWS4-HMAC-SHA256";

    private const int MaxRegion = 64;

    private SignatureClaim(bool isPresigned, ReadOnlySpan<char> credential, ReadOnlySpan<char> signedHeaders, ReadOnlySpan<char> signature)
    {
        IsPresigned = isPresigned;
        SignedHeaders = signedHeaders;
        Signature = signature;
        Span<Range> parts = stackalloc Range[6];
        if (credential.Split(parts, '/') != 5) throw Malformed("The credential is not KEYID/YYYYMMDD/REGION/s3/aws4_request.");
        KeyId = credential[parts[0]];
        Scope = credential[parts[1].Start..];
        Date = credential[parts[1]];
        Region = credential[parts[2]];
        if (Date.Length != 8 || Date.ContainsAnyExceptInRange('0', '9')) throw Malformed("The credential's date is not YYYYMMDD.");
        if (Region.Length > MaxRegion) throw Malformed($"The credential's region may have at most {MaxRegion} characters.");
        if (credential[parts[3]] is not "s3") throw Malformed("The credential's service is not s3.");
        if (credential[parts[4]] is not "aws4_request") throw Malformed("The credential does not end with aws4_request.");
        if (signedHeaders.IsEmpty || signedHeaders.ContainsAnyInRange('A', 'Z')) throw Malformed("The signed headers are not names in lower case, separated by semicolons.");
    }

    /// <summary>True if it stands in the query.</summary>
    public bool IsPresigned { get; }

    /// <summary>The access key's id.</summary>
    public ReadOnlySpan<char> KeyId { get; }

    /// <summary>What the signing key is derived for: <c>DATE/REGION/s3/aws4_request</c>.</summary>
    public ReadOnlySpan<char> Scope { get; }

    /// <summary>The scope's day, YYYYMMDD.</summary>
    public ReadOnlySpan<char> Date { get; }

    /// <summary>The scope's region; any is good.</summary>
    public ReadOnlySpan<char> Region { get; }

    /// <summary>Names in lower case, separated by semicolons.</summary>
    public ReadOnlySpan<char> SignedHeaders { get; }

    /// <summary>64 hexadecimal digits in lower case, if it is right.</summary>
    public ReadOnlySpan<char> Signature { get; }

    /// <summary>True if the request carries credentials of any kind that S3 knows.</summary>
    public static bool IsIn(HttpRequest request) => request.Headers.Authorization.Count > 0 || IsInQuery(request);

    /// <summary>The one claim of the request.</summary>
    /// <exception cref="S3Exception">There is none, or several, or one that is malformed or of an algorithm that is not supported.</exception>
    public static SignatureClaim Of(HttpRequest request)
    {
        StringValues authorization = request.Headers.Authorization;
        bool isInQuery = IsInQuery(request);
        if (authorization.Count > 1 || (authorization.Count == 1 && isInQuery)) throw SignatureErrors.TwoMechanisms.AsException();
        if (request.Headers.ContainsKey("x-amz-security-token")) throw SignatureErrors.Token.AsException();
        if (authorization.Count == 1) return OfHeader(authorization.ToString());
        return isInQuery ? OfQuery(request.Query) : throw S3Error.AccessDenied.AsException();
    }

    /// <summary>True if the header was signed.</summary>
    public bool Covers(ReadOnlySpan<char> header)
    {
        foreach (Range name in SignedHeaders.Split(';'))
        {
            if (header.Equals(SignedHeaders[name], StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    public S3Exception Malformed(string fault) => SignatureErrors.Malformed(IsPresigned, fault).AsException();

    private static bool IsInQuery(HttpRequest request)
    {
        if (!request.QueryString.HasValue) return false;
        IQueryCollection query = request.Query;
        return query.ContainsKey("X-Amz-Algorithm") || query.ContainsKey("X-Amz-Credential") || query.ContainsKey("X-Amz-Signature")
            || query.ContainsKey("Signature") || query.ContainsKey("AWSAccessKeyId");
    }

    private static SignatureClaim OfHeader(ReadOnlySpan<char> header)
    {
        int space = header.IndexOf(' ');
        ReadOnlySpan<char> algorithm = space < 0 ? header : header[..space];
        if (algorithm is not Algorithm)
            throw (algorithm.StartsWith("AWS", StringComparison.Ordinal) ? SignatureErrors.Unsupported : SignatureErrors.UnsupportedType).AsException();
        ReadOnlySpan<char> fields = header[algorithm.Length..], credential = default, signedHeaders = default, signature = default;
        int seen = 0;
        foreach (Range part in fields.Split(','))
        {
            ReadOnlySpan<char> field = fields[part].Trim();
            int equals = field.IndexOf('=');
            ReadOnlySpan<char> value = field[(equals + 1)..];
            switch (equals < 0 ? field : field[..equals])
            {
                case "Credential": credential = value; break;
                case "SignedHeaders": signedHeaders = value; break;
                case "Signature": signature = value; break;
                default: throw Unreadable();
            }

            seen++;
        }

        return seen == 3 && !credential.IsEmpty && !signature.IsEmpty ? new SignatureClaim(false, credential, signedHeaders, signature) : throw Unreadable();

        static S3Exception Unreadable() => SignatureErrors.Malformed(
            isPresigned: false, "The authorization header is not 'AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…'.").AsException();
    }

    private static SignatureClaim OfQuery(IQueryCollection query)
    {
        if (query.ContainsKey("AWSAccessKeyId") || query.ContainsKey("Signature")) throw SignatureErrors.Unsupported.AsException();
        if (query.ContainsKey("X-Amz-Security-Token")) throw SignatureErrors.Token.AsException();
        if (OnlyOne(query, "X-Amz-Algorithm") != Algorithm) throw SignatureErrors.Unsupported.AsException();
        return new SignatureClaim(true, OnlyOne(query, "X-Amz-Credential"), OnlyOne(query, "X-Amz-SignedHeaders"), OnlyOne(query, "X-Amz-Signature"));
    }

    /// <summary>A parameter of a presigned address, which must be there once.</summary>
    /// <exception cref="S3Exception">It is not.</exception>
    public static string OnlyOne(IQueryCollection query, string name) => query.TryGetValue(name, out StringValues values) && values is [{ Length: > 0 } value]
        ? value
        : throw SignatureErrors.Malformed(isPresigned: true, $"A presigned address must have one query parameter {name}.").AsException();
}
