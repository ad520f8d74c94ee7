using System.Reflection;
using System.Runtime.CompilerServices;

namespace Strata.Tests;

/// <summary>What others can see of an assembly, one line a type or member, in a stable order.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private static readonly NullabilityInfoContext Nullability = new();

    public static IEnumerable<string> Of(Assembly assembly) =>
        assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal).SelectMany(type =>
            MembersOf(type).Order(StringComparer.Ordinal).Select(member => $"{NameOf(type)}.{member}").Prepend(Describe(type)));

    private static string Describe(Type type)
    {
        string kind = type switch
        {
            { IsInterface: true } => "interface",
            { IsEnum: true } => "enum",
            { IsValueType: true } => "struct",
            _ when type.IsAssignableTo(typeof(Delegate)) => "delegate",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        IEnumerable<Type> parents = type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum) ? [parent] : [];
        string[] bases = [.. parents.Select(NameOf), .. type.GetInterfaces().Where(i => i.IsPublic).Select(NameOf).Order(StringComparer.Ordinal)];
        return $"{kind} {NameOf(type)}{(bases.Length == 0 || type.IsEnum ? "" : " : " + string.Join(", ", bases))}";
    }

    private static IEnumerable<string> MembersOf(Type type)
    {
        if (type.IsEnum) return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), null)}");
        if (type.IsAssignableTo(typeof(Delegate))) return Describe(type.GetMethod("Invoke")!);
        return type.GetMembers(Declared).Where(m => m.GetCustomAttribute<CompilerGeneratedAttribute>() is null && !m.Name.Contains('<', StringComparison.Ordinal)).SelectMany(Describe);
    }

    private static IEnumerable<string> Describe(MemberInfo member) => member switch
    {
        FieldInfo { IsPublic: true, IsLiteral: true } field => [$"{field.Name} : const {NameOf(field.FieldType)} = {field.GetRawConstantValue()}"],
        FieldInfo { IsPublic: true } field => [$"{field.Name} : {NameOf(field.FieldType)}"],
        PropertyInfo property when Accessors(property) is { Length: > 0 } accessors =>
            [$"{property.Name}{Parameters(property.GetIndexParameters(), "[", "]")} {{ {accessors} }} : {Nullable(property.PropertyType, Nullability.Create(property))}"],
        EventInfo { AddMethod: { } add } @event when IsVisible(add) => [$"{@event.Name} : event {NameOf(@event.EventHandlerType!)}"],
        ConstructorInfo constructor when IsVisible(constructor) && !constructor.IsStatic => [$"new{Parameters(constructor.GetParameters(), "(", ")")}"],
        MethodInfo method when IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) =>
            [$"{method.Name}{Arguments(method)}{Parameters(method.GetParameters(), "(", ")")} : {Nullable(method.ReturnType, Nullability.Create(method.ReturnParameter))}{Modifiers(method)}"],
        _ => [],
    };

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Modifiers(MethodInfo method) =>
        (method.IsPublic ? "" : ", protected") + (method.IsStatic ? ", static" : method.IsAbstract && !method.DeclaringType!.IsInterface ? ", abstract" : "");

    private static string Accessors(PropertyInfo property)
    {
        string get = property.GetMethod is { } getter && IsVisible(getter) ? "get;" : "";
        if (property.SetMethod is not { } setter || !IsVisible(setter)) return get;
        bool isInit = setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
        bool isRequired = property.GetCustomAttribute<RequiredMemberAttribute>() is not null;
        return $"{(isRequired ? "required " : "")}{get} {(isInit ? "init;" : "set;")}".Trim();
    }

    private static string Arguments(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(NameOf))}>" : "";

    private static string Parameters(ParameterInfo[] parameters, string open, string close) =>
        parameters.Length == 0 && open == "[" ? "" : open + string.Join(", ", parameters.Select(Describe)) + close;

    private static string Describe(ParameterInfo parameter)
    {
        string type = Nullable(parameter.ParameterType, Nullability.Create(parameter));
        string direction = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "";
        return $"{direction}{type} {parameter.Name}{(parameter.HasDefaultValue ? $" = {parameter.RawDefaultValue ?? "default"}" : "")}";
    }

    /// <summary>A type with the question marks of its reference types, those of its arguments included.</summary>
    private static string Nullable(Type type, NullabilityInfo info)
    {
        if (type.IsByRef) type = type.GetElementType()!;
        string name = type switch
        {
            { IsArray: true } when info.ElementType is { } element => Nullable(type.GetElementType()!, element) + "[]",
            { IsGenericType: true } when info.GenericTypeArguments.Length == type.GetGenericArguments().Length && System.Nullable.GetUnderlyingType(type) is null =>
                $"{NameOf(type).Split('<')[0]}<{string.Join(", ", type.GetGenericArguments().Zip(info.GenericTypeArguments, Nullable))}>",
            _ => NameOf(type),
        };
        return name + (!type.IsValueType && (info.ReadState == NullabilityState.Nullable || info.WriteState == NullabilityState.Nullable) ? "?" : "");
    }

    private static string NameOf(Type type)
    {
        if (type.IsByRef) return NameOf(type.GetElementType()!);
        if (type.IsArray) return NameOf(type.GetElementType()!) + "[]";
        if (System.Nullable.GetUnderlyingType(type) is { } underlying) return NameOf(underlying) + "?";
        if (type.IsGenericParameter) return type.Name;
        string name = type.IsNested ? $"{NameOf(type.DeclaringType!)}.{type.Name}" : type.Name;
        return type.IsGenericType ? $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : name;
    }
}
