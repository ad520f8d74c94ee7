using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;

namespace Strata.KvConnect;

/// <summary>
/// Keeps the metadata of a database: asks for it when there is none, and anew shortly before it expires, while calls go on with
/// what there is. Whoever needs it while it is being asked for waits for the one answer.
/// </summary>
internal sealed class KvConnectSessions(KvConnectTransport transport, KvConnectOptions options, TimeProvider clock, ILogger log, CancellationToken closing)
{
    /// <summary>How long before its end a session is renewed; one that lives for less than four times as long, in its last quarter.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(1);

    /// <summary>Between two attempts to renew a session that still holds.</summary>
    private static readonly TimeSpan BetweenRenewals = TimeSpan.FromSeconds(5);

    private readonly Lock _latch = new();
    private KvConnectSession? _session, _last;
    private long _since, _tried;
    private bool _isDue, _wasRefused, _wasTried;
    private Task<Exchanged>? _exchange;

    /// <summary>The session to be used now.</summary>
    /// <exception cref="StorageException">There is none, and the server gives none.</exception>
    public async ValueTask<KvConnectSession> GetAsync(CancellationToken cancellationToken)
    {
        if (!TryGet(out KvConnectSession? session, out Task<Exchanged>? exchange))
        {
            Exchanged exchanged = await exchange.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (exchanged.Failure is not null) ExceptionDispatchInfo.Throw(exchanged.Failure);
            session = exchanged.Session!;
        }

        return session;
    }

    /// <summary>What a call that failed says of the session and the endpoint.</summary>
    public void Judge(KvConnectSession session, KvConnectEndpoints endpoints, Uri endpoint, Exception failure)
    {
        if (failure is StorageException { Kind: StorageErrorKind.AccessDenied })
        {
            Discard(session, isRefused: true);
            return;
        }

        // The database may have moved, or be another one by now.
        Doubt(session);
        if (failure is StorageException { IsTransient: true }) endpoints.Failed(endpoint);
    }

    /// <summary>This session is of no use: whoever comes next waits for another.</summary>
    /// <param name="session">The session.</param>
    /// <param name="isRefused">Whether its token was refused.</param>
    public void Discard(KvConnectSession session, bool isRefused)
    {
        lock (_latch)
        {
            if (_session != session) return;
            _session = null;
            _wasRefused |= isRefused;
        }
    }

    /// <summary>Waits for an exchange under way, which ends at once when the database is closing.</summary>
    public async ValueTask CloseAsync()
    {
        Task<Exchanged>? exchange;
        lock (_latch) exchange = _exchange;
        if (exchange is not null) await exchange.ConfigureAwait(false);
    }

    /// <summary>This session may not be up to date, as when its endpoint cannot be reached: it is renewed, and used until then.</summary>
    private void Doubt(KvConnectSession session)
    {
        lock (_latch) _isDue |= _session == session;
    }

    private bool TryGet([NotNullWhen(true)] out KvConnectSession? session, [NotNullWhen(false)] out Task<Exchanged>? exchange)
    {
        lock (_latch)
        {
            exchange = null;
            session = _session;
            TimeSpan age = clock.GetElapsedTime(_since);
            if (session is null || age >= session.Life)
            {
                exchange = _exchange ??= Task.Run(ExchangeAsync, CancellationToken.None);
                return false;
            }

            TimeSpan quarter = session.Life / 4;
            bool isDue = _isDue || age >= session.Life - (quarter < Early ? quarter : Early);
            if (isDue && _exchange is null && !(_wasTried && clock.GetElapsedTime(_tried) < BetweenRenewals))
            {
                (_tried, _wasTried) = (clock.GetTimestamp(), true);
                _exchange = Task.Run(ExchangeAsync, CancellationToken.None);
            }

            return true;
        }
    }

    private async Task<Exchanged> ExchangeAsync()
    {
        long begun;
        bool followsRefusal;
        lock (_latch) (begun, followsRefusal, _wasRefused, _isDue) = (clock.GetTimestamp(), _wasRefused, false, false);

        Exchanged exchanged = await AskAsync(followsRefusal).ConfigureAwait(false);
        lock (_latch)
        {
            _exchange = null;
            if (exchanged.Session is { } session)
            {
                if (_last is not null) session.Learn(_last);
                (_session, _last, _since) = (session, session, begun);
            }
            else
            {
                (_isDue, _wasRefused) = (true, _wasRefused || followsRefusal);
            }
        }

        return exchanged;
    }

    /// <summary>Never throws: those who wait are told, and where nobody waits the log is.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is told to all who wait.")]
    private async Task<Exchanged> AskAsync(bool followsRefusal)
    {
        try
        {
            return new Exchanged(await MetadataExchange.AskAsync(transport, options, clock, followsRefusal, closing).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            return new Exchanged(null, StorageException.Closed("open", options.Name));
        }
        catch (Exception e)
        {
            log.LogInformation(e, "The server did not tell where the database {Database} is", options.Name);
            return new Exchanged(null, e);
        }
    }

    private readonly record struct Exchanged(KvConnectSession? Session, Exception? Failure);
}
