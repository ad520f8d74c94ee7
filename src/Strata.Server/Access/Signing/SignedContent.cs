using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// The body of a signed request to <c>/_strata/</c>, whose handlers know nothing of signatures: its last bytes are handed
/// out only once it has the digest that was signed.
/// </summary>
internal sealed class SignedContent : ReadOnlyStream
{
    private const string DigestOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private readonly Stream _body;
    private readonly byte[] _digest;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _left;

    private SignedContent(Stream body, long length, byte[] digest)
    {
        _body = body;
        _left = length;
        _digest = digest;
    }

    /// <summary>Puts itself before the body of a request whose signature has been verified, if the body's digest was signed.</summary>
    /// <exception cref="S3Exception">The body is missing, its length is not known, or it is signed in chunks.</exception>
    public static void Require(HttpRequest request)
    {
        string payload = request.Headers["x-amz-content-sha256"].ToString();
        bool hasBody = request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0;
        if (payload is "" or "UNSIGNED-PAYLOAD") return;
        if (!hasBody)
        {
            if (payload != DigestOfNothing) throw S3Error.InvalidRequest("The body that was signed is not there.").AsException();
            return;
        }

        if (payload.StartsWith("STREAMING-", StringComparison.Ordinal) || request.ContentLength is not { } length)
            throw S3Error.InvalidRequest("Here a signed body needs a Content-Length, and the digest of all of it in x-amz-content-sha256.").AsException();
        var content = new SignedContent(request.Body, length, Convert.FromHexString(payload));
        request.HttpContext.Response.RegisterForDispose(content);
        request.Body = content;
    }

    /// <exception cref="ArgumentException">The body is not the one that was signed.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await _body.ReadAsync(buffer, cancellationToken);
        if (read == 0) return 0;
        _hash.AppendData(buffer.Span[..read]);
        _left -= read;
        if (_left == 0 && !_hash.GetHashAndReset().AsSpan().SequenceEqual(_digest)) throw new ArgumentException("The body is not the one that was signed: its SHA-256 is not x-amz-content-sha256.");
        return read;
    }

    public override int Read(Span<byte> buffer) => throw new NotSupportedException("Read it asynchronously.");

    protected override void Dispose(bool disposing)
    {
        if (disposing) _hash.Dispose();
        base.Dispose(disposing);
    }
}
