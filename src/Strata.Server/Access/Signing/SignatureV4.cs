using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>
/// Verifies requests that are signed by AWS Signature Version 4 with an access key's secret (AWS's specification, with
/// S3's rules): in the Authorization header, or as a presigned address.
/// </summary>
/// <remarks>
/// The host and every <c>x-amz-*</c> header of the request must be signed, and every <c>Strata-*</c> one of the blob API, so
/// that nobody adds a copy source or metadata to it. One header may be there unsigned: <c>x-amz-content-sha256: UNSIGNED-PAYLOAD</c> of a presigned request, which
/// some clients send with every request and which says what is signed anyway. A presigned address may carry
/// <c>x-amz-*</c> headers as query parameters, as AWS's SDKs write them; they are signed, and count as headers, but for
/// checksums, which S3 ignores there: the SDK for JavaScript puts those of an empty body into every address.
/// </remarks>
internal sealed class SignatureV4(AccessKeyRing keys, TimeProvider clock)
{
    private const string ContentSha256 = "x-amz-content-sha256";
    private const string UnsignedPayload = "UNSIGNED-PAYLOAD";
    private const string SignedChunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    private const string SignedChunksAndTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    private const string UnsignedChunksAndTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const int TimeLength = 16;
    private const int MaxExpires = 7 * 24 * 60 * 60;
    private const int HexDigits = 2 * SHA256.HashSizeInBytes;

    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(15);

    private readonly SigningKeys _signingKeys = new();

    /// <summary>Who signed the request.</summary>
    /// <exception cref="S3Exception">Nobody did, or not rightly.</exception>
    public RequestAccess Verify(HttpContext http)
    {
        HttpRequest request = http.Request;
        SignatureClaim claim = SignatureClaim.Of(request);
        AccessKey key = keys.Find(claim.KeyId.ToString()) ?? throw SignatureErrors.UnknownKey.AsException();
        Span<char> timestamp = stackalloc char[TimeLength];
        RequireTime(request, claim, timestamp);
        string payload = PayloadOf(request, claim);
        RequireSigned(request, claim);

        SigningKey signingKey = _signingKeys.Find(key, claim);
        Span<byte> expected = stackalloc byte[HexDigits], claimed = stackalloc byte[HexDigits];
        Sign(http, claim, timestamp, payload, signingKey, expected);
        bool isWhole = claim.Signature.Length == HexDigits && Encoding.UTF8.TryGetBytes(claim.Signature, claimed, out _);
        if (!CryptographicOperations.FixedTimeEquals(expected, claimed) || !isWhole) throw SignatureErrors.Mismatch.AsException();

        _signingKeys.Keep(key, signingKey);
        AccessPrincipal principal = _signingKeys.PrincipalOf(key);
        if (claim.IsPresigned) LiftHeaders(request);
        return payload is SignedChunks or SignedChunksAndTrailer
            ? new RequestAccess(principal, new ChunkSignatures(
                signingKey.ToArray(), timestamp.ToString(), claim.Scope.ToString(), claim.Signature.ToString(), payload == SignedChunksAndTrailer))
            : new RequestAccess(principal);
    }

    /// <summary>The signature that the request should have, in hexadecimal.</summary>
    internal static void Sign(
        HttpContext http, in SignatureClaim claim, ReadOnlySpan<char> timestamp, string payload, SigningKey signingKey, Span<byte> signature)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        var text = new CanonicalText(stackalloc byte[2048]);
        try
        {
            CanonicalRequest.Write(http, claim, payload, ref text);
            SHA256.HashData(text.Written, digest);
        }
        finally
        {
            text.Dispose();
        }

        var toSign = new CanonicalText(stackalloc byte[1024]);
        Span<byte> hex = stackalloc byte[HexDigits];
        Convert.TryToHexStringLower(digest, hex, out _);
        toSign.Append(SignatureClaim.Algorithm);
        toSign.Append((byte)'\n');
        toSign.Append(timestamp);
        toSign.Append((byte)'\n');
        toSign.Append(claim.Scope);
        toSign.Append((byte)'\n');
        toSign.Append(hex);
        signingKey.Sign(toSign.Written, digest);
        toSign.Dispose();
        Convert.TryToHexStringLower(digest, signature, out _);
    }

    private void RequireTime(HttpRequest request, in SignatureClaim claim, Span<char> timestamp)
    {
        DateTimeOffset now = clock.GetUtcNow(), signed = TimeOf(request, claim, timestamp);
        if (!timestamp.StartsWith(claim.Date)) throw claim.Malformed("The credential's date is not the day of the request's date.");
        if (!claim.IsPresigned)
        {
            if ((now - signed).Duration() > MaxSkew) throw SignatureErrors.TooSkewed.AsException();
            return;
        }

        string text = SignatureClaim.OnlyOne(request.Query, "X-Amz-Expires");
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds is < 1 or > MaxExpires)
            throw claim.Malformed($"X-Amz-Expires must be a number of seconds from 1 to {MaxExpires}, which are seven days.");

        // Differences: a sum could lie behind the last of all dates.
        if (now - signed > TimeSpan.FromSeconds(seconds)) throw SignatureErrors.Expired.AsException();
        if (signed - now > MaxSkew) throw SignatureErrors.NotYetValid.AsException();
    }

    /// <summary>When the request was signed, also written as it is signed.</summary>
    private static DateTimeOffset TimeOf(HttpRequest request, in SignatureClaim claim, Span<char> timestamp)
    {
        DateTimeOffset time;
        if (claim.IsPresigned)
        {
            return TryTime(SignatureClaim.OnlyOne(request.Query, "X-Amz-Date"), out time, timestamp) ? time : throw claim.Malformed("X-Amz-Date must be in the ISO 8601 form yyyyMMddTHHmmssZ.");
        }

        if (request.Headers.TryGetValue("x-amz-date", out StringValues own)) return own is [{ } iso] && TryTime(iso, out time, timestamp) ? time : throw SignatureErrors.NoDate.AsException();
        if (request.Headers.Date is not [{ } date] || !claim.Covers("date")) throw SignatureErrors.NoDate.AsException();
        if (TryTime(date, out time, timestamp)) return time;
        if (!DateTimeOffset.TryParseExact(date, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time)) throw SignatureErrors.NoDate.AsException();
        time.TryFormat(timestamp, out _, TimeFormat, CultureInfo.InvariantCulture);
        return time;
    }

    /// <summary>Reads yyyyMMddTHHmmssZ, digit by digit: the general parser takes as long as the hash of the request.</summary>
    private static bool TryTime(ReadOnlySpan<char> text, out DateTimeOffset time, Span<char> timestamp)
    {
        time = default;
        if (text.Length != TimeLength || text[8] != 'T' || text[15] != 'Z' || text[..8].ContainsAnyExceptInRange('0', '9') || text[9..15].ContainsAnyExceptInRange('0', '9')) return false;
        int year = (Two(text) * 100) + Two(text[2..]), month = Two(text[4..]), day = Two(text[6..]);
        int hour = Two(text[9..]), minute = Two(text[11..]), second = Two(text[13..]);
        if (year == 0 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return false;
        time = new DateTimeOffset(year, month, day, hour, minute, second, TimeSpan.Zero);
        text.CopyTo(timestamp);
        return true;

        static int Two(ReadOnlySpan<char> digits) => ((digits[0] - '0') * 10) + digits[1] - '0';
    }

    /// <summary>What is signed of the body: its digest, or the name of a way to do without it.</summary>
    private static string PayloadOf(HttpRequest request, in SignatureClaim claim)
    {
        StringValues header = request.Headers[ContentSha256];
        if (claim.IsPresigned)
        {
            StringValues parameter = request.Query[ContentSha256];
            if (header.Count > 0 && parameter.Count > 0) throw SignatureErrors.BadPayload.AsException();
            if (header.Count == 0) header = parameter.Count == 0 ? UnsignedPayload : parameter;
        }

        if (header.Count == 0) throw SignatureErrors.NoPayload.AsException();
        string payload = header is [{ } value] ? value : throw SignatureErrors.BadPayload.AsException();

        // The chunks' chain begins with the signature of a header.
        bool isKnown = payload is UnsignedPayload or UnsignedChunksAndTrailer || (payload is SignedChunks or SignedChunksAndTrailer && !claim.IsPresigned)
            || (payload.Length == HexDigits && !payload.AsSpan().ContainsAnyExcept(LowerHexDigits));
        return isKnown ? payload : throw SignatureErrors.BadPayload.AsException();
    }

    private static readonly System.Buffers.SearchValues<char> LowerHexDigits = System.Buffers.SearchValues.Create("0123456789abcdef");

    private static void RequireSigned(HttpRequest request, in SignatureClaim claim)
    {
        if (!claim.Covers("host")) throw SignatureErrors.NotSigned("host").AsException();
        foreach ((string name, StringValues value) in request.Headers)
        {
            bool isOperation = name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("strata-", StringComparison.OrdinalIgnoreCase);
            if (!isOperation || claim.Covers(name)) continue;
            bool isHarmless = claim.IsPresigned && value == UnsignedPayload && name.Equals(ContentSha256, StringComparison.OrdinalIgnoreCase);
            if (!isHarmless) throw SignatureErrors.NotSigned(name.ToLowerInvariant()).AsException();
        }
    }

    /// <summary>Makes headers of those query parameters of a presigned address that stand for them.</summary>
    private static void LiftHeaders(HttpRequest request)
    {
        foreach ((string name, StringValues value) in request.Query)
        {
            if (!name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase) || IsOfAddress(name)) continue;
            if (request.Headers.ContainsKey(name)) throw S3Error.InvalidArgument($"{name} is there twice, as a header and in the query.").AsException();
            if (value.ToString().Any(char.IsControl)) throw S3Error.InvalidArgument($"The query parameter {name} may not hold control characters.").AsException();
            request.Headers[name] = value;
        }

        static bool IsOfAddress(string name) => name.ToLowerInvariant() is "x-amz-algorithm" or "x-amz-credential" or "x-amz-date" or "x-amz-expires"
            or "x-amz-signedheaders" or "x-amz-signature" or "x-amz-sdk-checksum-algorithm" || name.StartsWith("x-amz-checksum-", StringComparison.OrdinalIgnoreCase);
    }
}
