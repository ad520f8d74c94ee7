using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>Finishes in the background what is not finished: when woken, and again after a while as long as something is left.</summary>
/// <param name="settle">Finishes what can be finished; true: nothing is left.</param>
/// <param name="clock">The clock.</param>
/// <param name="log">Told of what fails.</param>
internal sealed class JournalSettler(Func<CancellationToken, ValueTask<bool>> settle, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly BackgroundRuns _runs = new(async closing => await settle(closing).ConfigureAwait(false) ? null : Pause, Pause, clock, log);

    /// <summary>There is something to finish.</summary>
    public void Wake() => _runs.Wake();

    public ValueTask DisposeAsync() => _runs.DisposeAsync();
}
