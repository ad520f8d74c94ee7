using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Strata;

/// <summary>What every store needs from its surroundings. Settings bind from configuration; these are injected.</summary>
public sealed record StoreContext
{
    /// <summary>System clock, no logging, shared memory pool.</summary>
    public static StoreContext Default { get; } = new();

    /// <summary>The only clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where background failures are logged.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>The one meter of the library, named <c>Strata</c>.</summary>
    public Meter Meter { get; init; } = new("Strata");

    /// <summary>Buffers for large reads and writes.</summary>
    public ArrayPool<byte> Buffers { get; init; } = ArrayPool<byte>.Shared;
}
