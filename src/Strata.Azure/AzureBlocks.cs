using System.Globalization;
using System.Text;
using Azure.Core;

namespace Strata.Azure;

/// <summary>An upload in blocks. They cannot be taken back: those that are never joined are dropped by Azure after a week, or when another write of the key commits.</summary>
internal sealed class AzureBlocks(AzureService service, string store, BlobKey key, string name, string writeId, bool isBlob) : IRemoteParts
{
    private bool _isOvertaken;

    public string? Id => null;

    public StorageException? Overtaken => !_isOvertaken ? null : new(
        StorageErrorKind.Unavailable, $"Another write of '{key}' ended first, and store '{store}' lost the blocks of this one, as Azure drops those of all writes under way; write it again.")
    {
        Operation = "write", Key = key, Store = store, IsTransient = true,
    };

    public async Task<string> SendAsync(int number, Stream content, int length, RemoteAttempt attempt)
    {
        string id = IdOf(number);
        await service.Client.SendAsync(RequestMethod.Put, name, request =>
        {
            AddBlock(request, id);
            request.Content = RequestContent.Create(content);
        }, attempt).ConfigureAwait(false);
        return id;
    }

    public async Task<string> CopyAsync(int number, RemoteSource source, long first, long last, RemoteAttempt attempt)
    {
        string id = IdOf(number);
        await service.Client.SendAsync(RequestMethod.Put, name, request =>
        {
            AddBlock(request, id);
            request.Headers.SetValue("x-ms-copy-source", source.Address);
            if (source.Authorization is { } authorization) request.Headers.SetValue("x-ms-copy-source-authorization", authorization);
            request.Headers.SetValue("x-ms-source-range", string.Create(CultureInfo.InvariantCulture, $"bytes={first}-{last}"));
            request.Headers.SetValue("x-ms-source-if-match", source.Blob.NativeETag);
            request.Content = RequestContent.Create(ReadOnlyMemory<byte>.Empty);
        }, attempt).ConfigureAwait(false);
        return id;
    }

    public async Task JoinAsync(IReadOnlyList<KeyValuePair<int, string>> receipts, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt)
    {
        var list = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        foreach ((_, string id) in receipts) list.Append("<Uncommitted>").Append(id).Append("</Uncommitted>");
        byte[] body = Encoding.ASCII.GetBytes(list.Append("</BlockList>").ToString());
        try
        {
            await service.Client.SendAsync(RequestMethod.Put, name, request =>
            {
                request.Uri.AppendQuery("comp", "blocklist");
                request.Headers.SetValue("Content-Type", "application/xml");
                AzureService.AddTypes(request, headers);
                AzureService.AddMetadata(request, headers);
                AzureService.AddCondition(request, condition);
                if (isBlob) service.AddTier(request);
                request.Content = RequestContent.Create(body);
            }, attempt).ConfigureAwait(false);
        }
        catch (AzureFailure e) when (e.IsBlockListInvalid)
        {
            // Or they were joined before, by an attempt whose answer was lost: the write's id tells.
            _isOvertaken = true;
            throw new AzureFailure(412, "ConditionNotMet", null);
        }
    }

    /// <summary>There is nothing that could be dropped.</summary>
    public Task AbortAsync(RemoteAttempt attempt) => Task.CompletedTask;

    /// <summary>All names of a blob's blocks must be of one length, whoever sends them: 48 bytes, as the SDKs' are.</summary>
    private string IdOf(int number) => Convert.ToBase64String(Encoding.ASCII.GetBytes(writeId + number.ToString("d24", CultureInfo.InvariantCulture)));

    private static void AddBlock(Request request, string id)
    {
        request.Uri.AppendQuery("comp", "block");
        request.Uri.AppendQuery("blockid", id);
    }
}
