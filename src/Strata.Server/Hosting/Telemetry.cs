using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Strata.Server;

/// <summary>Sends the metrics of the meter <c>Strata</c> to a collector, where the environment names one.</summary>
internal static class Telemetry
{
    /// <summary>OpenTelemetry's own variable; its other variables (protocol, headers, interval) are honoured as well.</summary>
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Starts the export; null if no collector is named. Dispose it to send what is left.</summary>
    public static IDisposable? Start(StoreContext context) =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable(EndpointVariable))
            ? null
            : Sdk.CreateMeterProviderBuilder().AddMeter(context.Meter.Name).AddOtlpExporter().Build();
}
