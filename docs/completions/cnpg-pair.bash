# bash completion of cnpg-pair; made by make docs, of --help

_cnpg_pair() {
    local IFS=$'\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command= prefix= joined= word flags
    # bash takes --flag=word apart, unless COMP_WORDBREAKS says otherwise
    if [[ $cur == "=" ]]; then
        cur= joined="="
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]} joined="="
    elif [[ $cur == --*=* ]]; then
        prev=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=} joined="="
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        diff | explain | flux) command=$word; break ;;
        esac
    done
    COMPREPLY=()
    case $joined$prev in
    =--enable-hot-standby) COMPREPLY=($(compgen -P "$prefix" -W $'true\nfalse' -- "$cur")); return ;;
    --primary-region | =--primary-region) return ;;
    --replica-region | =--replica-region) return ;;
    =--strict) COMPREPLY=($(compgen -P "$prefix" -W $'true\nfalse' -- "$cur")); return ;;
    --side | =--side) COMPREPLY=($(compgen -P "$prefix" -W $'both\nprimary\nreplica' -- "$cur")); return ;;
    --replication | =--replication) COMPREPLY=($(compgen -P "$prefix" -W $'async\nsync' -- "$cur")); return ;;
    --active | =--active) COMPREPLY=($(compgen -P "$prefix" -W $'primary\nnone\nreplica' -- "$cur")); return ;;
    =--rejoin) COMPREPLY=($(compgen -P "$prefix" -W $'true\nfalse' -- "$cur")); return ;;
    --peer-clusters | =--peer-clusters) return ;;
    --region-key | =--region-key) return ;;
    --output | =--output) COMPREPLY=($(compgen -P "$prefix" -W $'table\njson' -- "$cur")); return ;;
    --helmrelease | =--helmrelease) COMPREPLY=($(compgen -P "$prefix" -f -- "$cur")); return ;;
    esac
    if [[ $cur == -* ]]; then
        flags=$'--enable-hot-standby\n--primary-region\n--replica-region\n--strict\n--side\n--replication\n--active\n--rejoin\n--peer-clusters\n--region-key\n--version\n--help'
        case $command in
        explain) flags+=$'\n--output' ;;
        flux) flags+=$'\n--helmrelease\n--substitute\n--patch\n--check' ;;
        esac
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
        return
    fi
    if [[ -z $command ]]; then
        COMPREPLY=($(compgen -W $'diff\nexplain\nflux' -- "$cur"))
    fi
    COMPREPLY+=($(compgen -f -- "$cur"))
}

complete -o filenames -F _cnpg_pair cnpg-pair
