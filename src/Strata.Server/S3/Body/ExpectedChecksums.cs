using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>What a client says its body's digests are, in headers or, announced by <c>x-amz-trailer</c>, behind the body.</summary>
internal sealed class ExpectedChecksums
{
    private const string ContentSha256 = "x-amz-content-sha256";
    private const string SdkAlgorithm = "x-amz-sdk-checksum-algorithm";
    private const string Algorithm = "x-amz-checksum-algorithm";
    private readonly List<(string Header, ChecksumAlgorithm Algorithm, byte[] Digest)> _expected = [];
    private readonly List<(string Header, ChecksumAlgorithm Algorithm)> _announced = [];
    private readonly ChecksumAlgorithm? _kept;

    /// <param name="headers">The request's headers.</param>
    /// <param name="wanted">The algorithm that the body's checksum must have, where one was agreed on before; it need not be given.</param>
    /// <param name="areOfBody">False if the checksums are those of something else than the body.</param>
    /// <exception cref="S3Exception">A value is no digest, the algorithm is unknown, there are two, or it is not the one agreed on.</exception>
    public ExpectedChecksums(IHeaderDictionary headers, ChecksumAlgorithm? wanted = null, bool areOfBody = true)
    {
        if (headers.ContentMD5 is { Count: > 0 } md5) Expect("Content-MD5", ChecksumAlgorithm.Md5, md5.ToString());

        // Else it is UNSIGNED-PAYLOAD or STREAMING-…, or missing.
        string sha256 = headers[ContentSha256].ToString();
        if (sha256.Length == 64 && sha256.All(char.IsAsciiHexDigit))
            _expected.Add((ContentSha256, ChecksumAlgorithm.Sha256, Convert.FromHexString(sha256)));
        if (!areOfBody) return;
        ChecksumAlgorithm? given = null;
        foreach ((string header, StringValues value) in headers)
        {
            if (ChecksumAlgorithms.OfHeader(header) is not { } algorithm) continue;
            given = TheOne(given, algorithm);
            Expect(algorithm.Header(), algorithm, value.ToString());
        }

        foreach (string name in headers["x-amz-trailer"].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (ChecksumAlgorithms.OfHeader(name) is not { } algorithm) continue;
            given = TheOne(given, algorithm);
            _announced.Add((algorithm.Header(), algorithm));
        }

        _kept = Agreed(headers, given, wanted);
    }

    /// <summary>What has to be computed as the body passes.</summary>
    public IEnumerable<ChecksumAlgorithm> Algorithms =>
        _expected.Select(e => e.Algorithm).Concat(_announced.Select(a => a.Algorithm)).Concat(_kept is { } kept ? [kept] : []);

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

    /// <summary>The checksum to keep with the object, and to tell its client: the one that was given or asked for; null if none was.</summary>
    public S3Checksum? Kept(PayloadDigest digest) => _kept is { } algorithm ? S3Checksum.Of(algorithm, digest.Of(algorithm)) : null;

    private static ChecksumAlgorithm TheOne(ChecksumAlgorithm? before, ChecksumAlgorithm algorithm) => before is null || before == algorithm
        ? algorithm
        : throw S3Error.InvalidRequest("Expecting a single x-amz-checksum- header: an object has one checksum.").AsException();

    private static ChecksumAlgorithm? Agreed(IHeaderDictionary headers, ChecksumAlgorithm? given, ChecksumAlgorithm? wanted)
    {
        ChecksumAlgorithm? named = ChecksumAlgorithms.Named(headers[SdkAlgorithm].ToString(), SdkAlgorithm)
            ?? ChecksumAlgorithms.Named(headers[Algorithm].ToString(), Algorithm);
        if (given is not null && named is not null && given != named)
            throw S3Error.InvalidRequest($"The checksum given is {given.Value.Name()}, and the one named is {named.Value.Name()}.").AsException();
        ChecksumAlgorithm? agreed = given ?? named;
        if (wanted is not null && agreed is not null && agreed != wanted)
        {
            throw S3Error.InvalidRequest($"Checksum Type mismatch occurred, expected checksum Type: {wanted.Value.Name()}, actual checksum Type: {agreed.Value.Name()}.")
                .AsException();
        }

        return agreed ?? wanted;
    }

    private void Expect(string header, ChecksumAlgorithm algorithm, string value)
    {
        byte[] digest = new byte[algorithm.Size()];
        if (!Convert.TryFromBase64String(value, digest, out int written) || written != digest.Length)
        {
            throw (algorithm == ChecksumAlgorithm.Md5
                ? new S3Error(400, "InvalidDigest", "The Content-MD5 that you specified is not an MD5 digest in Base64.")
                : S3Error.InvalidRequest($"Value for {header} header is invalid.")).AsException();
        }

        _expected.Add((header, algorithm, digest));
    }
}
