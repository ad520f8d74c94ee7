using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Sweeps the tiers that do not remove by themselves what has expired (<see cref="IBlobSweep"/>), one after the other, a time after the
/// last sweep ended. The others cost nothing: memory and folders remove what is due, once a minute.
/// </summary>
internal sealed class ExpirySweeps : IAsyncDisposable
{
    private readonly (string Tier, IBlobSweep Sweep)[] _tiers;
    private readonly TimeSpan _every;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _run;

    public ExpirySweeps(IEnumerable<TierCounters> tiers, TimeSpan every, TimeProvider clock, ILogger log)
    {
        _tiers = [.. tiers.SelectMany<TierCounters, (string, IBlobSweep)>(tier => tier.Store.TryGetFacet(out IBlobSweep? sweep) ? [(tier.Name, sweep)] : [])];
        (_every, _clock, _log) = (every, clock, log);
        _run = _tiers.Length > 0 ? RunAsync() : Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _closing.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(_every, _clock, _closing.Token).ConfigureAwait(false);
                foreach ((string tier, IBlobSweep sweep) in _tiers) await SweepAsync(tier, sweep).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The store closes; what is left the next sweep takes.
        }
    }

    private async ValueTask SweepAsync(string tier, IBlobSweep sweep)
    {
        try
        {
            SweepResult done = await sweep.SweepAsync(null, null, _closing.Token).ConfigureAwait(false);
            if (done.Expired + done.Tombstones + done.Failed > 0)
                _log.LogInformation("Swept tier '{Tier}': {Expired} expired blobs and {Tombstones} tombstones went, {Failed} could not be removed", tier, done.Expired, done.Tombstones, done.Failed);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _log.LogWarning(e, "The sweep of tier '{Tier}' failed; the next one is due in {Every}", tier, _every);
        }
    }
}
