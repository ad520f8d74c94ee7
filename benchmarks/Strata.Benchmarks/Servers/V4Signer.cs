using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Strata.Benchmarks;

/// <summary>Signs requests by AWS Signature Version 4 in headers, the body's SHA-256 included.</summary>
/// <remarks>
/// A signature holds for some minutes around its date: requests that are signed once can be sent again and again, so that
/// a load costs its client no more than an unsigned one.
/// </remarks>
internal sealed class V4Signer(string keyId, string secret)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";
    private const string Region = "us-east-1";
    private const string SignedHeaders = "host;x-amz-content-sha256;x-amz-date";

    /// <summary>Appends the headers that sign a request.</summary>
    /// <param name="head">The request's head so far.</param>
    /// <param name="method">HTTP method.</param>
    /// <param name="host">Value of the Host header.</param>
    /// <param name="target">Path and query, escaped as the signature wants it: nothing but RFC 3986's unreserved characters and <c>/</c> stands unescaped.</param>
    /// <param name="body">The body.</param>
    public void AppendTo(StringBuilder head, string method, string host, string target, ReadOnlySpan<byte> body)
    {
        string date = TimeProvider.System.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string scope = $"{date[..8]}/{Region}/s3/aws4_request";
        string digest = Convert.ToHexStringLower(SHA256.HashData(body));
        int query = target.IndexOf('?', StringComparison.Ordinal);
        string canonical = string.Join('\n',
            method,
            query < 0 ? target : target[..query],
            query < 0 ? "" : CanonicalQuery(target[(query + 1)..]),
            $"host:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{date}\n",
            SignedHeaders,
            digest);
        string toSign = string.Join('\n', Algorithm, date, scope, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))));
        string signature = Convert.ToHexStringLower(Mac(SigningKey(date[..8]), toSign));
        head.Append(CultureInfo.InvariantCulture, $"x-amz-date: {date}\r\nx-amz-content-sha256: {digest}\r\n")
            .Append(CultureInfo.InvariantCulture, $"Authorization: {Algorithm} Credential={keyId}/{scope}, SignedHeaders={SignedHeaders}, Signature={signature}\r\n");
    }

    private byte[] SigningKey(string day) => Mac(Mac(Mac(Mac(Encoding.UTF8.GetBytes("AWS4" + secret), day), Region), "s3"), "aws4_request");

    private static string CanonicalQuery(string query) =>
        string.Join('&', query.Split('&').Select(p => p.Contains('=', StringComparison.Ordinal) ? p : p + "=").Order(StringComparer.Ordinal));

    private static byte[] Mac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));
}
