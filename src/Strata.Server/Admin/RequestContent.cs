using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>A request's body as the content of a write.</summary>
internal sealed class RequestContent(HttpRequest request) : BlobContent
{
    private bool _opened;

    public override long? Length => request.ContentLength;

    public override bool IsReplayable => false;

    public override Stream OpenStream()
    {
        if (_opened) throw new InvalidOperationException("A request's body can be read only once.");
        _opened = true;
        return request.Body;
    }

    /// <summary>
    /// Reads what is left of a refused body, so that the client, which sends before it listens, gets to see the answer.
    /// A body that waits for '100 Continue' is left alone: it will not be sent.
    /// </summary>
    public async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        if (!_opened && request.Headers.Expect.Count > 0) return;
        await request.Body.CopyToAsync(Stream.Null, cancellationToken);
    }
}
