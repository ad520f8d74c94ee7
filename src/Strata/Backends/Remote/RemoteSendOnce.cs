namespace Strata;

/// <summary>
/// Sends each change once. A request without content .NET sends again by itself where a connection that was used before ends
/// without an answer: the server may have done what was asked, and what comes of the second one, be it that the server is gone
/// or that the condition no longer holds, would be told of the first.
/// </summary>
internal sealed class RemoteSendOnce(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // Content that has begun to be sent, be it empty, is not sent again.
        if (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head) request.Content ??= new ByteArrayContent([]);
        return base.SendAsync(request, cancellationToken);
    }
}
