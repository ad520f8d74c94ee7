using System.Runtime.ExceptionServices;

namespace Strata;

/// <summary>What a store owns, and closes with itself.</summary>
internal static class Owned
{
    /// <summary>Disposes all of it, one after the other: one that fails leaves none of the others open.</summary>
    /// <param name="owned">In the order in which it is disposed; null is passed by.</param>
    /// <exception cref="Exception">The first failure, when all are disposed.</exception>
    public static async ValueTask DisposeAllAsync(IEnumerable<IAsyncDisposable?> owned)
    {
        ExceptionDispatchInfo? failure = null;
        foreach (IAsyncDisposable? one in owned)
        {
            try
            {
                if (one is not null) await one.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        failure?.Throw();
    }
}
