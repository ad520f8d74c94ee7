using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>What a client says its body's digests are, in headers or, announced by <c>x-amz-trailer</c>, behind the body.</summary>
internal sealed class ExpectedChecksums
{
    private const string Prefix = "x-amz-checksum-";
    private const string ContentSha256 = "x-amz-content-sha256";
    private readonly List<(string Header, ChecksumAlgorithm Algorithm, byte[] Digest)> _expected = [];
    private readonly List<(string Header, ChecksumAlgorithm Algorithm)> _announced = [];

    /// <exception cref="S3Exception">A value is no digest, or the algorithm is unknown.</exception>
    public ExpectedChecksums(IHeaderDictionary headers)
    {
        if (headers.ContentMD5 is { Count: > 0 } md5) Expect("Content-MD5", ChecksumAlgorithm.Md5, md5.ToString());
        foreach ((string header, StringValues value) in headers)
        {
            if (AlgorithmOf(header) is { } algorithm) Expect(header.ToLowerInvariant(), algorithm, value.ToString());
        }

        // Else it is UNSIGNED-PAYLOAD or STREAMING-…, or missing.
        string sha256 = headers[ContentSha256].ToString();
        if (sha256.Length == 64 && sha256.All(char.IsAsciiHexDigit))
            _expected.Add((ContentSha256, ChecksumAlgorithm.Sha256, Convert.FromHexString(sha256)));
        foreach (string name in headers["x-amz-trailer"].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (AlgorithmOf(name) is { } algorithm) _announced.Add((name.ToLowerInvariant(), algorithm));
        }
    }

    /// <summary>What has to be computed as the body passes.</summary>
    public IEnumerable<ChecksumAlgorithm> Algorithms => _expected.Select(e => e.Algorithm).Concat(_announced.Select(a => a.Algorithm));

    /// <summary>Takes the announced trailers, once they have come.</summary>
    /// <exception cref="S3Exception">An announced trailer is missing, or no digest.</exception>
    public void AddTrailers(IReadOnlyDictionary<string, string> trailers)
    {
        foreach ((string header, ChecksumAlgorithm algorithm) in _announced)
        {
            if (!trailers.TryGetValue(header, out string? value))
                throw new S3Error(400, "MalformedTrailerError", $"The announced trailer {header} is missing.").AsException();
            Expect(header, algorithm, value);
        }
    }

    /// <summary>Refuses a body that is not what the client said.</summary>
    /// <exception cref="S3Exception">A digest differs.</exception>
    public void Verify(PayloadDigest digest)
    {
        foreach ((string header, ChecksumAlgorithm algorithm, byte[] expected) in _expected)
        {
            if (digest.Of(algorithm).AsSpan().SequenceEqual(expected)) continue;
            throw header == ContentSha256
                ? new S3Error(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.").AsException()
                : S3Error.BadDigest(header).AsException();
        }
    }

    /// <summary>Tells the client which checksums were verified, as S3 does.</summary>
    public void Confirm(HttpResponse response)
    {
        foreach ((string header, ChecksumAlgorithm algorithm, byte[] digest) in _expected)
        {
            if (algorithm == ChecksumAlgorithm.Md5 || header == ContentSha256) continue;
            response.Headers[header] = Convert.ToBase64String(digest);
            response.Headers["x-amz-checksum-type"] = "FULL_OBJECT";
        }
    }

    private void Expect(string header, ChecksumAlgorithm algorithm, string value)
    {
        byte[] digest = new byte[SizeOf(algorithm)];
        if (!Convert.TryFromBase64String(value, digest, out int written) || written != digest.Length)
        {
            throw (algorithm == ChecksumAlgorithm.Md5
                ? new S3Error(400, "InvalidDigest", "The Content-MD5 that you specified is not an MD5 digest in Base64.")
                : S3Error.InvalidRequest($"Value for {header} header is invalid.")).AsException();
        }

        _expected.Add((header, algorithm, digest));
    }

    private static ChecksumAlgorithm? AlgorithmOf(string header) =>
        !header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? null : header[Prefix.Length..].ToLowerInvariant() switch
        {
            "crc32" => ChecksumAlgorithm.Crc32,
            "crc32c" => ChecksumAlgorithm.Crc32C,
            "crc64nvme" => ChecksumAlgorithm.Crc64Nvme,
            "sha1" => ChecksumAlgorithm.Sha1,
            "sha256" => ChecksumAlgorithm.Sha256,
            "mode" or "algorithm" or "type" => null,
            string other => throw S3Error.NotImplemented($"The checksum {other}").AsException(),
        };

    private static int SizeOf(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.Md5 => 16,
        ChecksumAlgorithm.Crc64Nvme => 8,
        ChecksumAlgorithm.Sha1 => 20,
        ChecksumAlgorithm.Sha256 => 32,
        _ => 4,
    };
}
