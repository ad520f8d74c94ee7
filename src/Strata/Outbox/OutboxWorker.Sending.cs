using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>One intent that is this worker's: sent while its lease is renewed, then settled by what came of it.</content>
internal sealed partial class OutboxWorker
{
    private async Task SendAsync(OutboxLease lease, TaskCompletionSource place, CancellationToken sending)
    {
        // The one that takes goes on taking.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            using var own = CancellationTokenSource.CreateLinkedTokenSource(sending);
            using var renewals = new CancellationTokenSource();
            parts.Metrics.Began();
            Task<bool> renewing = RenewAsync(lease, own, renewals.Token);
            OutboxOutcome? outcome = await SendAsync(lease, own.Token).ConfigureAwait(false);
            await renewals.CancelAsync().ConfigureAwait(false);
            if (await renewing.ConfigureAwait(false)) await SettleAsync(lease, outcome).ConfigureAwait(false);
            else parts.Log.LogWarning("The lease of the intent for '{Key}' of outbox '{Outbox}' was lost while it was sent; it is sent again", lease.Key, Options.Label);
        }
        catch (Exception e)
        {
            // When the lease runs out it is sent again.
            parts.Log.LogError(e, "What came of sending '{Key}' of outbox '{Outbox}' cannot be written down; it is sent again", lease.Key, Options.Label);
        }
        finally
        {
            End(lease.Key, place);
        }
    }

    /// <returns>Null: it was stopped, which is no attempt.</returns>
    private async Task<OutboxOutcome?> SendAsync(OutboxLease lease, CancellationToken cancellationToken)
    {
        try
        {
            return await target.SendAsync(lease.ToIntent(), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e)
        {
            return OutboxOutcome.Failed(e.Message);
        }
    }

    /// <summary>Prolongs the lease until it is stopped.</summary>
    /// <returns>False: it was lost.</returns>
    private async Task<bool> RenewAsync(OutboxLease lease, CancellationTokenSource sending, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await Task.Delay(Options.Lease / 3, parts.Clock, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return true;
            }

            try
            {
                if (await parts.Transitions.TryRenewAsync(lease).ConfigureAwait(false)) continue;
                await sending.CancelAsync().ConfigureAwait(false);
                return false;
            }
            catch (StorageException e)
            {
                // The next renewal may go through before it has run out; else the settling finds that it is another's.
                parts.Log.LogWarning(e, "The lease of the intent for '{Key}' of outbox '{Outbox}' cannot be renewed; it is tried again", lease.Key, Options.Label);
                if (Now < lease.Entry.Time) continue;
                await sending.CancelAsync().ConfigureAwait(false);
                return false;
            }
        }
    }

    private async Task SettleAsync(OutboxLease lease, OutboxOutcome? outcome)
    {
        string error = outcome?.Error ?? lease.Entry.Error;
        switch (outcome?.Kind)
        {
            case OutboxOutcomeKind.Done:
                parts.Progress.Sent();
                if (!await parts.Transitions.TryFinishAsync(lease).ConfigureAwait(false)) return;
                Interlocked.Increment(ref _sent);
                parts.Metrics.Sent(TimeSpan.FromMilliseconds(Now - lease.Entry.Enqueued));
                parts.Room.Went(1, BytesOf(lease.Key, lease));
                if (target is IOutboxConfirmation confirmation) await confirmation.ConfirmedAsync(lease.Key).ConfigureAwait(false);
                break;
            case OutboxOutcomeKind.Later:
                parts.Progress.Failed(lease.Key, error);
                parts.Metrics.PutOff();
                await parts.Transitions.TryDelayAsync(lease, outcome.Value.Wait, error).ConfigureAwait(false);
                break;
            case OutboxOutcomeKind.Unreachable:
                parts.Progress.Unreachable(error);
                parts.Metrics.Unreachable();
                await parts.Transitions.TryReleaseAsync(lease, error).ConfigureAwait(false);
                break;
            case null:
                await parts.Transitions.TryReleaseAsync(lease, error).ConfigureAwait(false);
                break;
            default:
                parts.Progress.Failed(lease.Key, error);
                parts.Metrics.Failed();
                if (outcome.Value.Kind == OutboxOutcomeKind.Failed && lease.Entry.Attempts < Options.MaxAttempts) await parts.Transitions.TryPutOffAsync(lease, error).ConfigureAwait(false);
                else if (await parts.Transitions.TryGiveUpAsync(lease, error).ConfigureAwait(false)) GivenUp(lease);
                break;
        }
    }

    private void GivenUp(OutboxLease lease)
    {
        parts.Metrics.Dead();
        parts.Room.Went(1, BytesOf(lease.Key, lease));
        if (target is IOutboxConfirmation confirmation) confirmation.GivenUp(lease.Key);
    }
}
