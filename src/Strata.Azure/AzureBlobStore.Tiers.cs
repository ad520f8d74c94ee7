using Azure.Core;

namespace Strata.Azure;

/// <content>Access tiers.</content>
public sealed partial class AzureBlobStore
{
    /// <inheritdoc/>
    public async ValueTask<AccessTierStatus?> GetTierAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _store.Enter("tier");
        _store.CheckKey(key, "tier");
        string name = _service.NameOf(key, "tier");
        return await _service.Calls.ReadAsync("tier", key, async attempt =>
        {
            try
            {
                AzureResponse head = await _service.Client.SendAsync(RequestMethod.Head, name, null, attempt).ConfigureAwait(false);
                return _store.Visible(AzureService.ObjectOf(key, head, head.ContentLength).Read(_service.Traits, Options.Name)) is null ? null : new AccessTierStatus(TierOf(head.Header("x-ms-access-tier")), RehydrationOf(head.Header("x-ms-archive-status")));
            }
            catch (AzureFailure e) when (e.IsMissing)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> SetTierAsync(BlobKey key, AccessTier tier, CancellationToken cancellationToken = default)
    {
        if (await GetTierAsync(key, cancellationToken).ConfigureAwait(false) is not { } status) return false;
        if (status.Tier == AccessTier.Archive && tier != AccessTier.Archive)
        {
            string how = $"moving a blob out of the archive at once; bring it back by {nameof(IAccessTiers)}.{nameof(RehydrateAsync)}, which takes hours";
            throw StorageException.Unsupported("tier", key, Options.Name, how);
        }

        return await SendTierAsync(key, tier, null, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> RehydrateAsync(BlobKey key, AccessTier tier = AccessTier.Hot, bool isUrgent = false, CancellationToken cancellationToken = default)
    {
        if (tier == AccessTier.Archive) throw new ArgumentException("A blob is brought back from the archive, not into it.", nameof(tier));
        if (await GetTierAsync(key, cancellationToken).ConfigureAwait(false) is not { } status) return false;
        return await SendTierAsync(key, tier, status.IsOnline ? null : isUrgent ? "High" : "Standard", cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> SendTierAsync(BlobKey key, AccessTier tier, string? priority, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _store.Enter("tier");
        _store.CheckKey(key, "tier");
        cancellationToken.ThrowIfCancellationRequested();

        // A repetition says the same: a lost reply does no harm.
        RemoteAnswer answer = await _service.Calls.ChangeAsync("tier", key, Options.ProgressTimeout, attempt => _service.AnsweredAsync(() => _service.Client.SendAsync(RequestMethod.Put, _service.NameOf(key, "tier"), request =>
        {
            request.Uri.AppendQuery("comp", "tier");
            request.Headers.SetValue("x-ms-access-tier", tier.ToString());
            if (priority is not null) request.Headers.SetValue("x-ms-rehydrate-priority", priority);
        }, attempt)), null).ConfigureAwait(false);
        return answer == RemoteAnswer.Done;
    }

    private static AccessTier? TierOf(string? text) => Enum.TryParse(text, ignoreCase: true, out AccessTier tier) ? tier : null;

    private static AccessTier? RehydrationOf(string? status)
    {
        const string Pending = "rehydrate-pending-to-";
        return status?.StartsWith(Pending, StringComparison.Ordinal) == true ? TierOf(status[Pending.Length..]) : null;
    }
}
